#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "../console.h"
#include "../exit_status.h"
#include "question_prompt.h"
#include "tool_servers.h"
#include "tools.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

// The whole of a text's first line that fits.
std::string first_line(std::string_view text) {
  constexpr std::size_t kWidth = 100;
  std::string line = printable(text.substr(0, text.find('\n')));
  if (line.size() <= kWidth) return line;
  std::size_t end = kWidth;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // not in the middle of a character
  return line.substr(0, end) + "…";
}

std::string type_of(const Json& schema) {
  if (!schema.is_object()) return "anything";
  if (schema.contains("enum") && schema["enum"].is_array()) {
    std::string choices;
    for (const Json& choice : schema["enum"])
      choices += (choices.empty() ? "" : "|") + (choice.is_string() ? choice.get<std::string>() : choice.dump());
    return printable(choices);
  }
  if (!schema.contains("type")) return "anything";
  const Json& type = schema["type"];
  if (type.is_string() && type == "array" && schema.contains("items")) return type_of(schema["items"]) + "[]";
  if (type.is_string()) return printable(type.get<std::string>());
  return printable(type.dump());
}

void add_arguments(const McpTool& tool, std::string& shown) {
  const Json schema = Json::parse(tool.input_schema, nullptr, false);
  if (!schema.is_object() || !schema.contains("properties") || !schema["properties"].is_object()) return;
  const Json required = schema.value("required", Json::array());
  for (const auto& [name, member] : schema["properties"].items()) {
    const bool is_required = std::ranges::find(required, Json(name)) != required.end();
    const std::string about = member.is_object() && member.contains("description") && member["description"].is_string()
                                  ? "  " + first_line(member["description"].get<std::string>())
                                  : "";
    shown +=
        std::format("      {}: {}{}{}\n", printable(name), type_of(member), is_required ? "" : ", optional", about);
  }
}

std::string hints_of(const McpToolAnnotations& hints) {
  std::string text;
  const auto add = [&](const std::optional<bool>& hint, std::string_view yes) {
    if (hint.value_or(false)) text += (text.empty() ? "" : ", ") + std::string(yes);
  };
  add(hints.read_only, "reads only");
  add(hints.destructive, "destroys");
  add(hints.open_world, "reaches out");
  return text.empty() ? "" : std::format(" [says: {}]", text);
}

// What the file's rules say of a tool where they decide.
std::string rule_of(const McpServerTool& entry, const ApprovalPolicy& policy) {
  const ApprovalAction action = decide(policy, {.name = entry.tool.name, .server = entry.server});
  if (action == ApprovalAction::Ask) return "";
  return action == ApprovalAction::Allow ? " [approve: always]" : " [approve: never]";
}

void add_server(const std::string& server, const McpServerInfo* info, const McpToolList& list,
                const ApprovalPolicy& policy, std::string& shown) {
  const auto failed = std::ranges::find(list.failures, server, &McpServerFailure::server);
  if (failed != list.failures.end()) return;  // told as an error
  const auto count = std::ranges::count(list.tools, server, &McpServerTool::server);
  shown += std::format(
      "{}{}: {} {}\n", server,
      info == nullptr ? ""
                      : std::format(" ({}{}{}, protocol {})", printable(info->name), info->version.empty() ? "" : " ",
                                    printable(info->version), printable(info->revision)),
      count, count == 1 ? "tool" : "tools");
  for (const McpServerTool& entry : list.tools) {
    if (entry.server != server) continue;
    const McpTool& tool = entry.tool;
    shown +=
        std::format("  {}.{}{}{}\n", server, printable(tool.name), hints_of(tool.annotations), rule_of(entry, policy));
    const std::string about = first_line(tool.description.empty() ? tool.title : tool.description);
    if (!about.empty()) shown += std::format("      {}\n", about);
    add_arguments(tool, shown);
  }
}

Json as_json(const McpTool& tool) {
  const auto schema = [](const std::string& text) { return Json::parse(text, nullptr, false); };
  Json hints = Json::object();
  const auto add = [&](const char* name, const std::optional<bool>& hint) {
    if (hint) hints[name] = *hint;
  };
  add("readOnlyHint", tool.annotations.read_only);
  add("destructiveHint", tool.annotations.destructive);
  add("idempotentHint", tool.annotations.idempotent);
  add("openWorldHint", tool.annotations.open_world);
  Json object = {{"name", tool.name}, {"title", tool.title}, {"description", tool.description}, {"annotations", hints}};
  if (Json input = schema(tool.input_schema); !input.is_discarded()) object["inputSchema"] = std::move(input);
  if (Json output = schema(tool.output_schema); !output.is_discarded()) object["outputSchema"] = std::move(output);
  return object;
}

Result<void> print_json(const std::vector<McpServerHealth>& servers, const McpToolList& list) {
  Json whole = Json::array();
  for (const McpServerHealth& server : servers) {
    Json object = {{"server", server.server}};
    const auto failed = std::ranges::find(list.failures, server.server, &McpServerFailure::server);
    if (failed != list.failures.end()) {
      object["error"] = failed->error.message;
    } else {
      object["name"] = server.info.name, object["version"] = server.info.version;
      object["protocol"] = server.info.revision, object["instructions"] = server.info.instructions;
    }
    object["tools"] = Json::array();
    for (const McpServerTool& entry : list.tools)
      if (entry.server == server.server) object["tools"].push_back(as_json(entry.tool));
    whole.push_back(std::move(object));
  }
  return print_result(whole.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int list_tools(const ToolsArguments& arguments, Interrupt& interrupt) {
  std::optional<std::chrono::seconds> limit;
  if (arguments.time_limit) limit = std::chrono::seconds(*arguments.time_limit);
  auto opened = open_servers(arguments.config, limit, interrupt, {.quiet = arguments.quiet});
  if (!opened) {
    if (opened.error().error.code == ErrorCode::Cancelled && interrupt.signal() != 0) {
      tell("Interrupted");
      return interrupt.exit_status();
    }
    tell("Error: {}", opened.error().error.message);
    return opened.error().status;
  }
  McpServers& servers = *opened->servers;
  const ApprovalPolicy policy{.rules = std::move(opened->rules)};
  const McpToolList list = servers.list_tools(interrupt.token());
  if (interrupt.signal() != 0) {
    tell("Interrupted");
    return interrupt.exit_status();
  }
  const std::vector<McpServerHealth> health = servers.health();
  int status = kDone;
  for (const McpServerFailure& failure : list.failures) {
    tell("Error: {}", failure.error.message);
    status = server_status(failure.error.code);
  }
  std::string shown;
  for (const McpServerHealth& server : health) add_server(server.server, &server.info, list, policy, shown);
  if (shown.ends_with('\n')) shown.pop_back();
  const auto printed = arguments.json ? print_json(health, list) : shown.empty() ? Result<void>() : print_result(shown);
  if (!printed) {
    tell("Error: {}", printed.error().message);
    return kOutputError;
  }
  return status;
}

}  // namespace llama
