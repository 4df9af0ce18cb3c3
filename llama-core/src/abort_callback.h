// The stop token that llama.cpp asks, between the operations of a pass, whether to go on.
#pragma once

#include <stop_token>

namespace llama::internal {

// A ggml_abort_callback. `data` points to the place of the pass's token, which holds nullptr between passes.
inline bool is_pass_stopped(void* data) noexcept {
  const auto* stop = *static_cast<const std::stop_token* const*>(data);
  return stop != nullptr && stop->stop_requested();
}

}  // namespace llama::internal
