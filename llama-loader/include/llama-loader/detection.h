// Choose the model file among those that a folder or a repository holds.
//
// The choice depends on the names alone and not on their order:
//   1. the file that the caller names; part 2 of a split model means the whole model;
//   2. else files that are no model of their own are left out: projectors, importance matrices and adapters always;
//      drafts of speculative decoding ("mtp-m-F16.gguf", "m-assistant-F16.gguf", "m-EAGLE3.gguf") while another file
//      remains: "m-MTP-Q8_0.gguf" alone is a model with its draft in it. Of a split model only the first part counts;
//   3. the one model with the quantization that the caller names ("Q8_0"): two are an error, there is no other choice;
//   4. else the first with the token BF16 in its name or folder; else F16, Q8_0, Q6_K, Q5_K_M, Q4_K_M, in this order;
//      else the first name by byte order.
// Tokens are whole words between '-', '.', '_', '/' and compare without case, so "Q4_K_M" does not match "UD-Q4_K_XL".
// A word that the repository's own name has says nothing about one of its files: "Eagle-7B" has eagle in every name.
// Names only rank: what a file is stands in its header (gguf_header.h, check_is_model).
//
// Errors   NotFound (no such file, no model among them, a part of a split model missing; all names in the message).
// Source   names and headers of published drafts: llama.cpp pull requests 18039 (EAGLE-3), 22673 and 24868 (MTP),
//          ggml pull request 1488 (MTP in file names).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct ModelWish {
  std::optional<std::string> filename{}, quant{};
  std::string repository{};  // "organization/model"; "" for a folder
};

// Returns the chosen model's files in order: one, or all parts of a split model.
[[nodiscard]] Result<std::vector<std::string>> choose_model_files(const std::vector<std::string>& names,
                                                                  const ModelWish& wish = {});

// What rule 4 chooses among, best first: each model by its file or its first part.
[[nodiscard]] std::vector<std::string> rank_models(const std::vector<std::string>& names,
                                                   std::string_view repository = "");

// The files of a model that is known by one of them.
// Errors   NotFound: a part is missing.
[[nodiscard]] Result<std::vector<std::string>> with_all_parts(const std::vector<std::string>& names,
                                                              const std::string& one);

// Whether a name has the given token ("BF16", "Q4_K_M") as whole words.
[[nodiscard]] bool has_name_token(std::string_view name, std::string_view token);

// "model.gguf", "MODEL.GGUF"
[[nodiscard]] bool has_gguf_ending(std::string_view name);

// Whether a name, or an architecture's ("gemma4-assistant"), is that of a draft of speculative decoding; words of the
// repository's name do not count.
[[nodiscard]] bool is_draft_name(std::string_view name, std::string_view repository = "");

}  // namespace llama
