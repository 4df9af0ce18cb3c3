#include "ops/routing.h"

#include <utility>

namespace ggml_packed {

void Routing::read(const ggml_tensor& ids, std::size_t experts) {
  const auto slots = static_cast<std::size_t>(ids.ne[0]), tokens = static_cast<std::size_t>(ids.ne[1]);
  const auto expert_of = [&](std::size_t token, std::size_t slot) {
    const auto* row = static_cast<const std::byte*>(ids.data) + token * ids.nb[1];
    const std::int32_t id = reinterpret_cast<const std::int32_t*>(row)[slot];
    GGML_ASSERT(id >= 0 && std::cmp_less(id, experts));
    return static_cast<std::size_t>(id);
  };
  begins_.assign(experts + 1, 0);
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t slot = 0; slot < slots; ++slot) ++begins_[expert_of(token, slot) + 1];
  }
  for (std::size_t expert = 0; expert < experts; ++expert) begins_[expert + 1] += begins_[expert];
  std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
  pairs_.resize(slots * tokens);
  places_.resize(slots * tokens);
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::size_t pair = token * slots + slot, place = next[expert_of(token, slot)]++;
      pairs_[place] = static_cast<std::uint32_t>(pair);
      places_[pair] = static_cast<std::uint32_t>(place);
    }
  }
}

}  // namespace ggml_packed
