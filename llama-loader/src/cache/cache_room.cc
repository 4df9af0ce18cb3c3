#include "cache/cache_room.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <format>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "cache/eviction.h"
#include "hub/repo_path.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours kForgotten{24};  // a half-made model lives for seconds

std::uint64_t bytes_on_disk(const fs::path& folder) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    struct stat facts{};
    if (::lstat(it->path().c_str(), &facts) == 0 && S_ISREG(facts.st_mode))
      sum += static_cast<std::uint64_t>(facts.st_blocks) * 512;
  }
  return sum;
}

bool is_older(const fs::path& path, std::chrono::hours age) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - time > age;
}

std::uint64_t remove_counted(const fs::path& path) {
  const std::uint64_t bytes = bytes_on_disk(path);
  std::error_code error;
  fs::remove_all(path, error);
  return error ? 0 : bytes;
}

// What entries take on the disk: a file that several have (the commits of a data set) lies there once, under one inode.
class Occupied {
 public:
  // Both return the bytes by which it changes.
  std::uint64_t add(const Manifest& manifest) {
    std::uint64_t more = 0;
    for (const ManifestFile& file : manifest.files)
      if (!file.linked && ++names_[look_of(file)] == 1) more += file.size_bytes;
    return more;
  }
  std::uint64_t remove(const Manifest& manifest) {
    std::uint64_t less = 0;
    for (const ManifestFile& file : manifest.files)
      if (!file.linked && --names_[look_of(file)] == 0) less += file.size_bytes;
    return less;
  }

 private:
  using Look = std::pair<std::uint64_t, std::uint64_t>;
  static Look look_of(const ManifestFile& file) { return {file.fingerprint.inode, file.size_bytes}; }
  std::map<Look, std::size_t> names_;
};

struct Victim {
  FileLock lock;
  const CacheEntry* entry;
  std::uint64_t freed;
};

// Those whose files others have as well stay: they would go for nothing.
void spare_useless(std::vector<Victim>& victims, Occupied& occupied) {
  for (auto at = victims.end(); at != victims.begin();) {
    --at;
    if (occupied.add(at->entry->manifest) == 0) {
      at = victims.erase(at);
    } else {
      occupied.remove(at->entry->manifest);
    }
  }
}

}  // namespace

std::vector<std::uint64_t> freed_bytes(const std::vector<CacheEntry>& entries) {
  Occupied occupied;
  for (const CacheEntry& entry : entries) occupied.add(entry.manifest);
  std::vector<std::uint64_t> freed;
  for (const CacheEntry& entry : entries) {
    freed.push_back(occupied.remove(entry.manifest));
    occupied.add(entry.manifest);
  }
  return freed;
}

CachedModel describe(const CacheEntry& entry) {
  CachedModel model{.key = entry.key,
                    .folder = entry.folder,
                    .repo = entry.manifest.repo,
                    .endpoint = entry.manifest.endpoint,
                    .commit = entry.manifest.commit,
                    .revisions = {},
                    .files = {},
                    .size_bytes = entry.manifest.size_bytes(),
                    .owned_bytes = entry.manifest.owned_bytes(),
                    .last_used = entry.last_used,
                    .in_use = false};
  for (const auto& [revision, when] : entry.manifest.revisions) model.revisions.push_back(revision);
  for (const auto& file : entry.manifest.files) model.files.push_back({file.path, file.size_bytes, file.digest.hex});
  return model;
}

Result<CacheCleanup> make_room(const CacheFolder& folder, const RoomWanted& wanted) {
  CacheCleanup cleanup;
  std::vector<EvictionCandidate> candidates;
  std::vector<CacheEntry> entries = folder.entries();
  Occupied occupied;
  for (const CacheEntry& entry : entries) {
    candidates.push_back({entry.key, entry.manifest.owned_bytes(), entry.last_used});
    cleanup.size_bytes += occupied.add(entry.manifest);
  }
  if (!wanted.limit) return cleanup;
  if (wanted.needed > *wanted.limit) {
    return fail(
        ErrorCode::NoSpace,
        std::format("{:.2f} GB are needed and the cache may have {:.2f} GB in all: raise or lift the cache's limit",
                    static_cast<double>(wanted.needed) / 1e9, static_cast<double>(*wanted.limit) / 1e9));
  }
  // Nothing goes before it is sure that enough can go.
  std::vector<Victim> victims;
  for (const auto& victim : eviction_order(candidates, *wanted.limit, wanted.needed, wanted.kept)) {
    if (cleanup.size_bytes + wanted.needed <= *wanted.limit) break;
    auto lock = folder.try_lock(victim.key, FileLock::Kind::Exclusive);
    if (!lock || !*lock) continue;  // someone is using it
    const CacheEntry& entry = *std::ranges::find(entries, victim.key, &CacheEntry::key);
    victims.emplace_back(std::move(**lock), &entry, occupied.remove(entry.manifest));
    cleanup.size_bytes -= victims.back().freed;
  }
  spare_useless(victims, occupied);
  if (wanted.needed > 0 && cleanup.size_bytes + wanted.needed > *wanted.limit) {
    return fail(
        ErrorCode::NoSpace,
        std::format("the cache may have {:.2f} GB, and what is in it is in use: raise or lift the cache's limit",
                    static_cast<double>(*wanted.limit) / 1e9));
  }
  for (const auto& [lock, entry, freed] : victims) {
    if (auto removed = folder.remove(entry->key); !removed) return std::unexpected(removed.error());
    cleanup.removed.push_back(describe(*entry));
    cleanup.removed.back().freed_bytes = freed;
  }
  return cleanup;
}

std::uint64_t sweep(const CacheFolder& folder, bool downloads) {
  std::uint64_t bytes = remove_counted(folder.path() / ".trash");
  std::error_code error;
  for (auto it = fs::directory_iterator(folder.path() / ".incoming", error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with("model-")) {
      if (is_older(it->path(), kForgotten)) bytes += remove_counted(it->path());
    } else if (downloads) {
      const auto lock = folder.try_lock(name, FileLock::Kind::Exclusive);
      if (lock && *lock) bytes += remove_counted(it->path());
    }
  }
  return bytes;
}

}  // namespace llama::internal
