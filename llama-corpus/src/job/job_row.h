// A row of the input on its way to the output, and a text on its way to its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../store/text_answer.h"
#include "llama-base/error.h"
#include "llama-corpus/text_digest.h"
#include "llama-corpus/vector_store.h"
#include "llama-table/row_writer.h"

namespace llama::internal {

// A part of a row's text that the model reads by itself: the whole, or a chunk.
struct TextPiece {
  TextNumber number = 0;
  std::size_t begin = 0, end = 0;                        // bytes of the text
  std::uint64_t start_character = 0, end_character = 0;  // code points of it
};

struct JobRow {
  enum class Kind { Text, Empty, Blank, Failed };
  Kind kind = Kind::Text;
  std::uint64_t number = 0;  // in the input
  KeptRow kept{};
  std::optional<std::string> text{};  // nothing: a null cell, or no UTF-8
  std::vector<TextPiece> pieces{};    // of Text: at least one
  std::optional<Error> failure{};     // of Failed
  TextNumber needs = 0;               // the last text whose answer it waits for
};

// A text whose answer is to come: from the model, or without it.
struct AwaitedText {
  TextNumber number = 0;
  TextDigest digest{};
  std::optional<KnownVector> known{};  // from the vector store
  bool is_too_long = false;            // and is not to be cut: it gets no vector
  [[nodiscard]] bool is_ready() const { return known || is_too_long; }
};

}  // namespace llama::internal
