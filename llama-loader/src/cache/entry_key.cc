#include "cache/entry_key.h"

#include <algorithm>
#include <format>

#include "llama-loader/cache.h"

namespace llama::internal {
namespace {

std::string digest_of_all(const std::vector<HubFile>& files) {
  if (files.size() == 1) return digest_of(files[0]).hex;
  std::string list;
  for (const HubFile& file : files) list += std::format("{} {}\n", digest_of(file).hex, file.path);
  return digest_of(list, DigestKind::Sha256).hex;
}

}  // namespace

bool is_made_of(const CacheEntry& entry, const std::vector<HubFile>& files) {
  return std::ranges::equal(entry.manifest.files, files, [](const ManifestFile& have, const HubFile& want) {
    return have.path == want.path && have.size_bytes == want.size_bytes && have.digest == digest_of(want);
  });
}

std::string entry_key(const CacheFolder& folder, const std::string& repo, const ModelChoice& choice) {
  const std::string& first = choice.files[0].path;
  std::string key = CacheManager::generate_cache_key(repo, first, choice.size_bytes, choice.modified);
  const auto there = folder.entry(key);
  if (!there || is_made_of(*there, choice.files)) return key;
  return CacheManager::generate_cache_key(repo, first + "@" + digest_of_all(choice.files).substr(0, 12),
                                          choice.size_bytes, choice.modified);
}

}  // namespace llama::internal
