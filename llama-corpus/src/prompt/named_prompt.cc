#include <algorithm>
#include <format>
#include <utility>

#include "llama-corpus/prompt.h"
#include "model_family.h"

namespace llama {
namespace {

constexpr std::string_view kTaskPlace = "{task}";
constexpr std::string_view kOtherWords = "other words can be given as a template, as in 'query: {text}'";

// The task's braces are braces.
std::string with_task(std::string_view pattern, std::string_view task) {
  std::string made(pattern);
  const std::size_t at = made.find(kTaskPlace);
  if (at == std::string::npos) return made;
  std::string words;
  for (const char c : task) words.append(c == '{' || c == '}' ? 2 : 1, c);
  return made.replace(at, kTaskPlace.size(), words);
}

// "Fact checking", "fact_checking" and "fact-checking" are one name.
std::string plain_name(std::string_view name) {
  std::string made;
  for (const auto& word : internal::words_of(name)) made += (made.empty() ? "" : "-") + word;
  return made == "passage" ? "document" : made;
}

std::string what_it_is_called(const ModelNames& names) {
  for (const std::string* name : {&names.name, &names.repository, &names.file, &names.basename})
    if (!name->empty()) return std::format("the model '{}'", *name);
  return "the model";
}

}  // namespace

std::optional<PromptConvention> find_prompt_convention(const ModelNames& names, std::string_view task) {
  const internal::ModelFamily* family = internal::family_of(names);
  if (family == nullptr) return std::nullopt;
  PromptConvention made;
  made.family = family->family;
  made.query = with_task(family->query, task.empty() ? family->task : task);
  made.document = family->document;
  for (const auto& [name, text] : family->others) made.others.emplace_back(name, text);
  made.source = family->source;
  return made;
}

Result<PromptTemplate> named_prompt(const ModelNames& names, std::string_view name, std::string_view task) {
  const auto convention = find_prompt_convention(names, task);
  if (!convention) {
    std::string known;
    for (const auto& family : internal::known_families())
      known += std::format("{}{}", known.empty() ? "" : ", ", family.family);
    return fail(ErrorCode::InvalidArgument, std::format("{} is of no family whose prompts are known ({}); {}",
                                                        what_it_is_called(names), known, kOtherWords));
  }
  const std::string wanted = plain_name(name);
  const bool takes_task = internal::family_of(names)->query.contains(kTaskPlace);
  if (!task.empty() && (!takes_task || wanted != "query"))
    return fail(ErrorCode::InvalidArgument,
                std::format("the task: {}; {}",
                            takes_task ? std::format("of {} only the prompt 'query' has one", convention->family)
                                       : std::format("{} takes none", convention->family),
                            kOtherWords));
  if (wanted == "query") return PromptTemplate::parse(convention->query);
  if (wanted == "document") return PromptTemplate::parse(convention->document);
  std::string others;
  for (const auto& [other, text] : convention->others) {
    if (other == wanted) return PromptTemplate::parse(text);
    others += ", " + other;
  }
  return fail(ErrorCode::InvalidArgument, std::format("{} has no prompt '{}': there are query, document{}; {}",
                                                      convention->family, name, others, kOtherWords));
}

}  // namespace llama
