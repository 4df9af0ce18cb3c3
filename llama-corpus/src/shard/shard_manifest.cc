#include "llama-corpus/shard_manifest.h"

#include <format>
#include <system_error>

#include "llama-base/disk.h"
#include "manifest_text.h"

namespace llama {
namespace {

constexpr std::size_t kMaxManifestBytes = 64 << 20;

}  // namespace

std::filesystem::path manifest_path(const std::filesystem::path& folder, const Shard& shard) {
  return folder / std::format(".{}.json", part_name(shard));
}

Result<void> write_manifest(const std::filesystem::path& folder, const ShardManifest& manifest) {
  return internal::replace_file(manifest_path(folder, manifest.shard), internal::shard_manifest_text(manifest),
                                {.mode = 0666});
}

Result<ShardManifest> read_manifest(const std::filesystem::path& folder, const Shard& shard) {
  const auto path = manifest_path(folder, shard);
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(ErrorCode::NotFound, std::format("there is no manifest '{}'", path.string()));
  auto manifest = internal::parse_shard_manifest(internal::read_small_file(path, kMaxManifestBytes));
  if (!manifest) return fail(ErrorCode::Corrupt, std::format("'{}' is no shard's manifest", path.string()));
  if (manifest->shard != shard)
    return fail(ErrorCode::Corrupt, std::format("'{}' is the manifest of shard {}/{}", path.string(),
                                                manifest->shard.index, manifest->shard.count));
  return std::move(*manifest);
}

Result<void> remove_manifest(const std::filesystem::path& folder, const Shard& shard) {
  const auto path = manifest_path(folder, shard);
  std::error_code error;
  // Of a run that was killed while it wrote the manifest (atomic_file.h).
  const std::string unfinished = std::format(".{}.", path.filename().string());
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.starts_with(unfinished) && name.ends_with(".partial")) std::filesystem::remove(entry->path(), ignored);
  }
  if (!std::filesystem::remove(path, error) && error) return internal::disk_error("cannot remove", path, error.value());
  return {};
}

}  // namespace llama
