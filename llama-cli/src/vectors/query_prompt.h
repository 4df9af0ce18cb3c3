// Choose the words around a query, by those that were around the texts.
//
// Pure.
#pragma once

#include <optional>
#include <string>

#include "llama-corpus/prompt.h"

namespace llama {

struct QueryPrompt {
  std::optional<std::string> pattern;  // a template with {text}; nothing: the query as it is
  std::string reason;                  // for people: "E5's for queries"
  std::string warning;                 // one line, or ""
};

// stored: the template around the texts, nothing where they were read as they are. convention: of the model's family.
[[nodiscard]] QueryPrompt choose_query_prompt(const std::optional<std::string>& stored,
                                              const std::optional<PromptConvention>& convention);

}  // namespace llama
