#include "cache/eviction.h"

#include <algorithm>
#include <tuple>

namespace llama::internal {

std::vector<EvictionCandidate> eviction_order(std::vector<EvictionCandidate> models, std::uint64_t limit,
                                              std::uint64_t needed, const std::string& kept) {
  std::uint64_t total = needed;
  for (const auto& model : models) total += model.size_bytes;
  if (total <= limit) return {};
  std::erase_if(models, [&](const EvictionCandidate& model) { return model.key == kept || model.size_bytes == 0; });
  std::ranges::sort(models, {}, [](const EvictionCandidate& model) {
    return std::tuple(model.last_used, ~model.size_bytes, model.key);
  });
  return models;
}

}  // namespace llama::internal
