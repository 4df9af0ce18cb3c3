// Say where a file's vectors come from: what `llama.*` in its metadata tells of the model and its settings.
//
// Source   doc/embed.md#output has the keys; a file that is not ours has none of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "llama-base/error.h"
#include "llama-table/row_writer.h"
#include "llama-table/vector_encoding.h"

namespace llama {

struct Provenance {
  std::string program, created;                                      // "llama-cli 0.1.0", UTC
  std::string model_source, model_file, model_sha256, model_commit;  // "" where the file does not say
  std::optional<std::uint64_t> model_size_bytes;
  std::string architecture, model_description;
  std::string pooling, dense_layers, special_tokens, tokenizer, kernels, device;
  std::optional<std::int32_t> model_dimension;  // before any cut
  std::optional<std::int32_t> dimensions;       // the first so many were kept
  std::optional<std::int32_t> max_length;       // tokens
  std::optional<bool> is_normalized;
  std::optional<std::string> prompt;  // the template around each text
  std::string prompt_name;            // by which it was chosen
  std::string dtype, text_column, on_long;
  std::optional<Int8Scales> int8_scales;

  // Does the file say of which model it is?
  [[nodiscard]] bool names_model() const { return !model_source.empty(); }
};

// Errors   Corrupt: scales, or a number, that cannot be read.
// Pure.
[[nodiscard]] Result<Provenance> read_provenance(const TableMetadata& metadata);

}  // namespace llama
