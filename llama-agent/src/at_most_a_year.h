// Times that callers give, and may give as "no limit" (seconds::max()): a clock's time and such a one have no sum.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace llama::internal {

template <class Period>
[[nodiscard]] constexpr auto at_most_a_year(std::chrono::duration<std::int64_t, Period> time) {
  using Time = std::chrono::duration<std::int64_t, Period>;
  return std::min(time, std::chrono::duration_cast<Time>(std::chrono::hours(24 * 365)));
}

}  // namespace llama::internal
