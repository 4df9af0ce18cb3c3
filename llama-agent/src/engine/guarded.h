// Do work that may throw, and say what it threw as an Error.
//
// A request must come to its end even where memory runs out or a caller's callback throws: the engine puts each part
// that concerns one request in here, so that only this request fails.
#pragma once

#include <exception>
#include <format>
#include <new>
#include <string_view>
#include <utility>

#include "llama-base/error.h"

namespace llama::internal {

[[nodiscard]] inline Error thrown_error(std::string_view what, std::string_view reason) noexcept {
  try {
    return {ErrorCode::Internal, std::format("{}: {}", what, reason)};
  } catch (...) {
    return {ErrorCode::OutOfMemory, "out of memory"};
  }
}

// what: "the engine failed".
//
// Errors   OutOfMemory for std::bad_alloc, Internal for everything else; what the work itself returns.
template <class Work>
[[nodiscard]] auto guarded(std::string_view what, Work&& work) noexcept -> Result<void> {
  try {
    if constexpr (std::is_same_v<decltype(work()), void>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const std::bad_alloc&) {
    return std::unexpected(Error{ErrorCode::OutOfMemory, "out of memory"});  // short enough to need none
  } catch (const std::exception& thrown) {
    return std::unexpected(thrown_error(what, thrown.what()));
  } catch (...) {
    return std::unexpected(thrown_error(what, "no reason given"));
  }
}

}  // namespace llama::internal
