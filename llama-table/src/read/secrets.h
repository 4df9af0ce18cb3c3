// Take passwords, keys and tokens out of what people, journals and manifests are told.
//
// Connection strings ("password=…"), URLs ("://user:…@", "X-Amz-Signature=…"), SQL ("SECRET '…'"): the value becomes
// "***", the rest stays. A secret under a name that says nothing of it is not found.
//
// Pure.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

[[nodiscard]] std::string without_secrets(std::string_view text);

}  // namespace llama::internal
