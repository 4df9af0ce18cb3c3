// Choose the model file among those that a folder or a repository holds.
//
// The choice depends on the names alone and not on their order:
//   1. the file that the caller names; part 2 of a split model means the whole model;
//      or the one model with the quantization that the caller names ("Q8_0"): two are an error, there is no other
//      choice;
//   2. without a name: files that are no model of their own are left out (projectors, importance matrices, adapters,
//      draft models), and of a split model only the first part counts;
//   3. a file with the token BF16 in its name or folder;
//   4. else F16, Q8_0, Q6_K, Q5_K_M, Q4_K_M, in this order; else the first name by byte order.
// Tokens are whole words between '-', '.', '_', '/' and compare without case, so "Q4_K_M" does not match "UD-Q4_K_XL".
//
// Errors   NotFound (no such file, no model among them, a part of a split model missing; all names in the message).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// Returns the chosen model's files in order: one, or all parts of a split model.
[[nodiscard]] Result<std::vector<std::string>> choose_model_files(
    const std::vector<std::string>& names, const std::optional<std::string>& filename,
    const std::optional<std::string>& quant = std::nullopt);

// Whether a name has the given token ("BF16", "Q4_K_M") as whole words.
[[nodiscard]] bool has_name_token(std::string_view name, std::string_view token);

}  // namespace llama
