#include "offered_tools.h"
#include "llama-base/json_shape.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxNamesListed = 20;
constexpr int kMaxDefinitionDepth = 256;                        // of brackets
constexpr std::size_t kMaxDefinitions = std::size_t{16} << 20;  // bytes

// Formats write names bare beside markers and brackets, so none may look like one.
bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxToolName && std::ranges::none_of(name, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7F' || std::string_view("\"'`\\<>(){}[],=").contains(c);
  });
}

std::unexpected<Error> wrong_tool(std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); }

std::string names_listed(const std::vector<OfferedTool>& tools) {
  std::string names;
  for (std::size_t i = 0; i < std::min(tools.size(), kMaxNamesListed); ++i) {
    names += (i == 0 ? "" : ", ") + tools[i].name;
  }
  if (tools.size() > kMaxNamesListed) names += std::format(" and {} more", tools.size() - kMaxNamesListed);
  return names;
}

}  // namespace

Result<std::vector<OfferedTool>> read_offered_tools(std::string_view definitions) {
  std::vector<OfferedTool> tools;
  if (definitions.empty()) return tools;
  if (definitions.size() > kMaxDefinitions) {
    return wrong_tool(
        std::format("the tool definitions have {} bytes, at most {} are read", definitions.size(), kMaxDefinitions));
  }
  if (json_depth(definitions) > kMaxDefinitionDepth) return wrong_tool("the tool definitions are too deep");
  // Members keep their order: a grammar follows it.
  const auto list = nlohmann::ordered_json::parse(definitions, nullptr, false);
  if (!list.is_array()) return wrong_tool("the tool definitions are no JSON array");
  std::set<std::string> names;
  for (const auto& tool : list) {
    const auto& function = tool.is_object() && tool.contains("function") ? tool["function"] : tool;
    if (!function.is_object() || !function.contains("name") || !function["name"].is_string()) {
      return wrong_tool(std::format("tool definition {} has no name", tools.size() + 1));
    }
    OfferedTool offered{.name = function["name"].get<std::string>()};
    if (!is_tool_name(offered.name)) {
      return wrong_tool(
          std::format("tool definition {} has a name that is empty, longer than {} bytes, or has spaces, "
                      "quotes or brackets in it",
                      tools.size() + 1, kMaxToolName));
    }
    if (!names.insert(offered.name).second) return wrong_tool(std::format("two tools are called '{}'", offered.name));
    for (const char* key : {"parameters", "inputSchema"}) {
      if (!function.contains(key) || function[key].is_null()) continue;
      offered.parameters = function[key].dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      break;
    }
    tools.push_back(std::move(offered));
  }
  return tools;
}

Result<void> check_choice(const ToolChoice& choice, const std::vector<OfferedTool>& tools) {
  const bool names_one = choice.kind == ToolChoice::Kind::Named;
  if (names_one && choice.name.empty()) return wrong_tool("the tool choice names no tool");
  if (!names_one && !choice.name.empty()) {
    return wrong_tool(std::format("the tool choice names '{}' and is not of the kind that names a tool", choice.name));
  }
  if (!names_one && choice.kind != ToolChoice::Kind::Required) return {};
  if (tools.empty()) return wrong_tool("a call of a tool is wanted, and no tools are offered");
  if (names_one && std::ranges::find(tools, choice.name, &OfferedTool::name) == tools.end()) {
    return wrong_tool(
        std::format("the tool choice names '{}', which is not offered: {}", choice.name, names_listed(tools)));
  }
  return {};
}

}  // namespace llama::internal
