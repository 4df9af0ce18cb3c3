// Read a grammar (GBNF) into rules: how often which rule follows which. What a character is plays no part here.
//
// Source   llama.cpp, grammars/README.md and src/llama-grammar.cpp.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

inline constexpr int kEndlessRepetitions = std::numeric_limits<int>::max();

struct GrammarSymbol {
  std::optional<std::size_t> rule{};  // its number; nothing: a character, a class of them, a token
  int least = 1, most = 1;            // repetitions
  double elements = 1;                // of llama.cpp: a character, an end of a range, a rule, a token
  bool is_token = false;              // by its name or number
};
using GrammarSequence = std::vector<GrammarSymbol>;

struct GrammarRule {
  std::string name{};     // "": a bracket
  std::size_t place = 0;  // the byte where it is first mentioned
  std::vector<GrammarSequence> alternatives{};
};

// Errors   InvalidArgument: what is wrong, with its row and column; brackets deeper than 100;
//          repetitions that llama.cpp would write out as more than 32,000,000 elements.
// Cost     linear in the grammar's length.
[[nodiscard]] Result<std::vector<GrammarRule>> read_grammar(std::string_view gbnf);

}  // namespace llama::internal
