// Look at a grammar (GBNF) before llama.cpp does: it prints what is wrong instead of returning it, calls itself for
// each bracket, and follows every way in which a rule may begin.
//
// Cost     linear in the grammar's length.
// Source   llama.cpp, grammars/README.md and src/llama-grammar.cpp. What this check does not know it lets pass.
#pragma once

#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

struct GrammarFacts {
  bool names_tokens = false;  // <think>, <[7]>
};

// Requires UTF-8.
// Errors   InvalidArgument: what is wrong, as read_grammar() says it; rules that lead to each other more than 1,000
//          deep; a rule that can begin in more than 100,000 ways, or with itself.
[[nodiscard]] Result<GrammarFacts> check_grammar(std::string_view gbnf);

}  // namespace llama::internal
