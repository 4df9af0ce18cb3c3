// Schemas of tools of any bytes (parted by NUL), in every pattern that calls are written in: no crash, no hang;
// grammars within their bounds that name only rules they have, a remark of one line for each schema that cannot be
// used, and the same answer for arguments each time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../src/tools/grammar/call_grammar.h"
#include "grammar_claims.h"
#include "llama-agent/tool_schema.h"

namespace {

using llama::fuzz::has_its_rules;
using llama::fuzz::is_one_line;
using llama::fuzz::require;
using llama::internal::CallPattern;
using llama::internal::OfferedTool;

const CallPattern kPatterns[] = {
    *llama::internal::call_pattern_of("hermes"),
    {.format = "tags",
     .call = "<tool_call>\n<function=%N>\n%A</function>\n</tool_call>",
     .between = "\n",
     .marker = "<tool_call>",
     .parameter = "<parameter=%K string=\"%T\">\n%V\n</parameter>\n",
     .value_closer = "\n</parameter>"},
    {.format = "list", .opener = "[", .call = "{\"%N\": %A, \"id\": \"%I\"}", .between = ", ", .closer = "]"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<OfferedTool> tools;
  while (tools.size() < 8) {
    const std::size_t nul = std::min(rest.find('\0'), rest.size());
    tools.push_back({std::string("tool") + static_cast<char>('a' + tools.size()), std::string(rest.substr(0, nul))});
    if (nul == rest.size()) break;
    rest.remove_prefix(nul + 1);
  }
  for (const auto& pattern : kPatterns) {
    llama::internal::SchemaBudget budget;
    const auto made = call_grammars(pattern, tools, {.kind = llama::ToolChoice::Kind::Required}, "<think>", budget);
    require(made.remarks.size() <= tools.size() && std::ranges::all_of(made.remarks, is_one_line));
    for (const auto& gbnf : {made.whole, made.rest}) {
      require(gbnf.size() <= 1024 * 1024 && has_its_rules(gbnf));
      require(gbnf.empty() || gbnf.starts_with("root ::="));
    }
  }
  for (const auto& tool : tools) {
    const bool is_usable = llama::check_tool_schema(tool.parameters).has_value();
    const auto valid = llama::validate_call(tool.parameters, tools.back().parameters);
    if (!valid) require(is_one_line(valid.error().message));
    require(is_usable || llama::validate_call(tool.parameters, "{}").has_value());
  }
  return 0;
}
