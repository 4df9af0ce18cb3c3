#include "vectors/query_prompt.h"

#include <format>

namespace llama {
namespace {

constexpr std::string_view kAsItIs = "{text}";

// Of a family that wants no words there, none.
QueryPrompt prompt_of(std::string pattern, std::string reason) {
  if (pattern == kAsItIs) return {.pattern = std::nullopt, .reason = std::move(reason), .warning = {}};
  return {.pattern = std::move(pattern), .reason = std::move(reason), .warning = {}};
}

// Words with other columns in them are not.
bool is_for_query(const std::string& stored) {
  const auto parsed = PromptTemplate::parse(stored);
  return parsed && parsed->columns().empty();
}

// A text with the same words around it is what the others were.
QueryPrompt same_as_texts(const std::string& stored) {
  if (is_for_query(stored)) return prompt_of(stored, "as around the texts");
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
  if (around_texts == kAsItIs && around_texts != convention->query)
    return {.pattern = std::nullopt,
            .reason = {},
            .warning = std::format("the texts were embedded without {}'s prompt for documents ('{}'), so the query is "
                                   "read without one too; --prompt-name query says otherwise",
                                   convention->family, convention->document)};
  // Texts that were all read as queries, for clustering, or with the user's own words are compared with their like.
  if (is_for_query(around_texts)) return prompt_of(around_texts, "as around the texts");
  // A document with its title, above all.
  return prompt_of(convention->query, convention->family + "'s for queries");
}

}  // namespace llama
