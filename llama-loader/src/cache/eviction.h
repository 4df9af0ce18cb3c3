// Decide which models go when the cache is full.
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llama::internal {

struct EvictionCandidate {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::int64_t last_used = 0;  // seconds since 1970
};

// The order in which to try: longest unused first, of equally old ones the larger. `kept` is never among them.
// Nothing when all fits already; else every candidate, because some may be in use: stop when enough is gone.
[[nodiscard]] std::vector<EvictionCandidate> eviction_order(std::vector<EvictionCandidate> models, std::uint64_t limit,
                                                            std::uint64_t needed, const std::string& kept);

}  // namespace llama::internal
