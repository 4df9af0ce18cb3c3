#include "memory_needs.h"

#include <llama.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <string>
#include <string_view>

namespace llama::internal {

std::uint64_t cache_bytes(const Model& model, const llama_model* handle, std::uint64_t tokens) {
  if (model.is_recurrent() || model.sliding_window() > 0) return 0;
  const auto heads = static_cast<std::uint64_t>(std::max(0, llama_model_n_head_kv(handle)));
  const auto plain = static_cast<std::uint64_t>(llama_model_n_embd(handle) / std::max(1, llama_model_n_head(handle)));
  const auto length = [&](std::string_view name) {
    const std::string value =
        model.metadata(std::format("{}.attention.{}", model.metadata("general.architecture"), name));
    std::uint64_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    return read.ec == std::errc() && number > 0 && number < (1U << 16) ? number : plain;
  };
  const auto layers = static_cast<std::uint64_t>(std::max(0, llama_model_n_layer(handle)));
  return 2 * tokens * layers * heads * (length("key_length") + length("value_length"));
}

}  // namespace llama::internal
