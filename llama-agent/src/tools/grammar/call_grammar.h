// Write the grammars that calls of tools are held to.
//
// Two are made from one pattern. `rest` is what may follow the pattern's marker: it holds a model that has begun a call
// of its own accord. `whole` is a reply that is nothing but calls, after the model's thought: it holds a model that
// must call. In both, each tool's arguments follow that tool's own schema; a tool whose schema cannot be used, or is so
// large that all of them together would be too large, or for whose reading the others have left too little, takes any
// JSON object, and a remark says so. One bad schema never frees the others.
// Cost     reading the schemas, within their budget, and one pass over their grammars.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../../schema/schema_budget.h"
#include "call_pattern.h"
#include "llama-agent/tool_choice.h"
#include "offered_tools.h"

namespace llama::internal {

constexpr std::size_t kMaxToolRules = std::size_t{512} << 10;  // bytes of the rules of all tools together

struct CallGrammars {
  std::string rest;                  // "": the pattern has no marker
  std::string whole;                 // "": no call must come
  std::vector<std::string> remarks;  // "tool 'look' takes any JSON object: the JSON schema is no JSON: …"
};

// tools: at least one. thinking_opener: what a thought may still begin with before the calls; "": nothing may.
// Where the budget is_stopped(), nobody waits for what comes.
[[nodiscard]] CallGrammars call_grammars(const CallPattern& pattern, std::span<const OfferedTool> tools,
                                         const ToolChoice& choice, std::string_view thinking_opener,
                                         SchemaBudget& budget);

// The same for a format without a pattern: the opener, and then whatever the model writes.
[[nodiscard]] std::string opener_grammar(std::string_view opener, std::string_view thinking_opener = {});

}  // namespace llama::internal
