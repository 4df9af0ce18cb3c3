#include "download/cached_files.h"

#include <utility>

namespace llama::internal {

CachedFiles::CachedFiles(const CacheFolder& folder, std::string own_key)
    : folder_(folder), own_key_(std::move(own_key)) {
  for (const auto& entry : folder.entries()) {
    for (const auto& file : entry.manifest.files) {
      if (!file.linked)
        places_.emplace(file.digest.hex, Place{entry.key, file_place(entry.folder, file.path), file.fingerprint});
    }
  }
}

// Only after its entry is kept is a file sure to stay.
std::optional<std::filesystem::path> CachedFiles::find(const Digest& digest) {
  const auto [first, last] = places_.equal_range(digest.hex);
  for (auto it = first; it != last; ++it) {
    const Place& place = it->second;
    if (fingerprint_of(place.path) != place.fingerprint || !keep(place.key)) continue;
    if (fingerprint_of(place.path) == place.fingerprint) return place.path;
  }
  return std::nullopt;
}

bool CachedFiles::let_go() {
  if (kept_.empty()) return false;
  kept_.clear();
  std::erase_if(places_, [this](const auto& place) { return place.second.key != own_key_; });
  return true;
}

bool CachedFiles::keep(const std::string& key) {
  if (key == own_key_ || kept_.contains(key)) return true;
  auto lock = folder_.try_lock(key, FileLock::Kind::Shared);
  if (!lock || !*lock) return false;
  kept_.emplace(key, std::move(**lock));
  return true;
}

}  // namespace llama::internal
