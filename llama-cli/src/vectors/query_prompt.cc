#include "vectors/query_prompt.h"

#include <algorithm>
#include <format>

namespace llama {
namespace {

constexpr std::string_view kAsItIs = "{text}";

// Of a family that wants no words there, none.
QueryPrompt prompt_of(std::string pattern, std::string reason) {
  if (pattern == kAsItIs) return {.pattern = std::nullopt, .reason = std::move(reason), .warning = {}};
  return {.pattern = std::move(pattern), .reason = std::move(reason), .warning = {}};
}

// A text with the same words around it is what the others were; words with other columns in them are not for a query.
QueryPrompt same_as_texts(const std::string& stored) {
  const auto parsed = PromptTemplate::parse(stored);
  if (parsed && parsed->columns().empty()) return prompt_of(stored, "as around the texts");
  return {
      .pattern = std::nullopt,
      .reason = {},
      .warning = std::format("the texts were embedded with the prompt '{}', which is not for a query: it is read as "
                             "it is; --prompt says how else",
                             stored)};
}

}  // namespace

QueryPrompt choose_query_prompt(const std::optional<std::string>& stored,
                                const std::optional<PromptConvention>& convention) {
  const std::string around_texts = stored.value_or(std::string(kAsItIs));
  if (!convention) return stored ? same_as_texts(*stored) : QueryPrompt();
  if (around_texts == convention->document) return prompt_of(convention->query, convention->family + "'s for queries");
  // Texts that were all read as queries, or for clustering, are compared with their like.
  const bool is_symmetric =
      around_texts == convention->query ||
      std::ranges::contains(convention->others, around_texts, &std::pair<std::string, std::string>::second);
  if (is_symmetric) return prompt_of(around_texts, "as around the texts");
  if (!stored)
    return {.pattern = std::nullopt,
            .reason = {},
            .warning = std::format("the texts were embedded without {}'s prompt for documents ('{}'), so the query is "
                                   "read without one too; --prompt-name query says otherwise",
                                   convention->family, convention->document)};
  return prompt_of(convention->query, convention->family + "'s for queries");
}

}  // namespace llama
