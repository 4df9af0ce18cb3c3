// A regular expression of a JSON schema (ECMA 262, its Unicode mode), as a tree.
//
// What a tree cannot say is refused: look-around, back-references, flags inside the expression. Whether a quantifier is
// lazy, and what a group captures, does not change whether a text matches: neither is in the tree.
// Source   ECMA-262, 22.2; JSON Schema Core, 6.4.
#pragma once

#include <string_view>
#include <vector>

#include "code_points.h"
#include "llama-base/error.h"
#include "schema_work.h"

namespace llama::internal {

constexpr std::size_t kMaxExpressionRanges = 100'000;  // RE2 is not given more either (pattern.cc)

struct RegularExpression {
  enum class Kind { Characters, Sequence, Choice, Repetition, Begin, End, WordEdge, NoWordEdge };
  static constexpr int kEndless = -1;

  Kind kind = Kind::Sequence;
  CodePoints characters{};                 // of Characters: one of them
  std::vector<RegularExpression> parts{};  // a Repetition has one
  int least = 1, most = 1;                 // of a Repetition
};

// The characters of \w.
[[nodiscard]] const CodePoints& word_characters();

// Errors   InvalidArgument: what is wrong or cannot be said, without the expression itself; what it would cost is not
//          left.
// Cost     linear in the text and the ranges of its characters, at most kMaxExpressionRanges; groups at most 100 deep.
[[nodiscard]] Result<RegularExpression> parse_regular_expression(std::string_view text, SchemaWork& work);

}  // namespace llama::internal
