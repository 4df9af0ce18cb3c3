// Make room in the cache.
//
// Errors   NoSpace: what is asked for is larger than the limit, or what is left is in use; then nothing is removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache_folder.h"
#include "llama-loader/cache.h"

namespace llama::internal {

struct RoomWanted {
  std::optional<std::uint64_t> limit;  // bytes; nothing: no limit
  std::uint64_t needed = 0;            // bytes that are to come
  std::string kept;                    // never removed
};

[[nodiscard]] Result<CacheCleanup> make_room(const CacheFolder& folder, const RoomWanted& wanted);

// Sweep what nobody goes on with: half-made models, trash; with `downloads` also files on their way. Returns the bytes.
std::uint64_t sweep(const CacheFolder& folder, bool downloads);

[[nodiscard]] CachedModel describe(const CacheEntry& entry);

// What the removal of each of them alone frees.
[[nodiscard]] std::vector<std::uint64_t> freed_bytes(const std::vector<CacheEntry>& entries);

}  // namespace llama::internal
