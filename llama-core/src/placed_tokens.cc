#include "placed_tokens.h"

#include <format>
#include <utility>

namespace llama::internal {

Result<void> check_places(std::span<const PlacedToken> batch, std::int32_t vocabulary,
                          std::vector<std::int32_t> lengths) {
  for (const PlacedToken& t : batch) {
    if (t.token < 0 || t.token >= vocabulary || t.sequence < 0 || std::cmp_greater_equal(t.sequence, lengths.size())) {
      return fail(ErrorCode::InvalidArgument, std::format("token {} at position {} of sequence {} is out of range",
                                                          t.token, t.position, t.sequence));
    }
    std::int32_t& next = lengths[static_cast<std::size_t>(t.sequence)];
    if (t.position != next) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("sequence {} goes on at position {}, not at {}", t.sequence, next, t.position));
    }
    ++next;
  }
  return {};
}

}  // namespace llama::internal
