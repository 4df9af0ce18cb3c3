#include "gguf/model_check.h"

#include "gguf/model_facts.h"
#include "gguf/split_set.h"
#include "gguf/weight_types.h"

namespace llama::internal {

Result<void> check_model(std::span<const GgufHeader> headers, std::span<const std::filesystem::path> files) {
  if (!headers.empty() && !files.empty()) {
    if (auto model = check_is_model(headers[0], files[0]); !model) return model;
  }
  if (auto set = check_split_set(headers, files); !set) return set;
  if (auto facts = check_model_facts(headers, files[0]); !facts) return facts;
  return check_weight_types(headers, files);
}

}  // namespace llama::internal
