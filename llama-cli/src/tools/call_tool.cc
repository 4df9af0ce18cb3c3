#include <unistd.h>

#include <algorithm>
#include <format>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "../console.h"
#include "../exit_status.h"
#include "../status_line.h"
#include "question_prompt.h"
#include "shown_text.h"
#include "terminal_turn.h"
#include "tool_servers.h"
#include "tools.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

Step<std::string> read_input(const std::string& input, const Interrupt& interrupt) {
  if (input.empty()) return "{}";
  std::string text = input;
  // Nothing is under way yet, and a pipe that gives nothing would not let us look for a signal.
  const std::stop_callback on_signal(interrupt.token(), [&] { ::_exit(interrupt.exit_status()); });
  if (input == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  const Json value = Json::parse(text, nullptr, false);
  if (!value.is_object()) {
    return stop_with(
        {ErrorCode::InvalidArgument, value.is_discarded()
                                         ? R"(the tool's arguments are no JSON (they are an object, as {"path": "/a"}))"
                                         : R"(the tool's arguments are no JSON object, as {"path": "/a"})"},
        kInputError);
  }
  return text;
}

constexpr std::string_view kind_name(McpContent::Kind kind) {
  switch (kind) {
    case McpContent::Kind::Text:
      return "text";
    case McpContent::Kind::Image:
      return "image";
    case McpContent::Kind::Audio:
      return "audio";
    case McpContent::Kind::ResourceLink:
      return "resource_link";
    case McpContent::Kind::Resource:
      return "resource";
    case McpContent::Kind::Unknown:
      break;
  }
  return "unknown";
}

// As the protocol writes it.
Json as_json(const McpContent& item) {
  Json object = {{"type", kind_name(item.kind)}};
  const bool is_resource = item.kind == McpContent::Kind::Resource;
  Json& inside = is_resource ? object["resource"] = Json::object() : object;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) inside[name] = value;
  };
  add("uri", item.uri), add("name", item.name), add("mimeType", item.mime_type);
  add(is_resource ? "blob" : "data", item.data);
  if (item.kind == McpContent::Kind::Text || (is_resource && item.data.empty())) {
    inside["text"] = item.text;
  } else {
    add("text", item.text);
  }
  return object;
}

Json as_json(const McpToolResult& result) {
  Json content = Json::array();
  for (const McpContent& item : result.content) content.push_back(as_json(item));
  Json whole = {{"content", std::move(content)}};
  if (Json structured = Json::parse(result.structured_content, nullptr, false); !structured.is_discarded())
    whole["structuredContent"] = std::move(structured);
  whole["isError"] = result.is_error;
  return whole;
}

std::string comma_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text.empty() ? "none" : text;
}

// Servers answer a name that they do not know in words of their own, or none.
std::string why_it_failed(McpServers& servers, const std::string& server, const std::string& tool,
                          const Interrupt& interrupt) {
  const auto client = servers.client(server, interrupt.token());
  const auto tools = client ? (*client)->list_tools(interrupt.token()) : std::unexpected(client.error());
  if (!tools || std::ranges::contains(*tools, tool, &McpTool::name))
    return std::format("the tool '{}.{}' failed", server, tool);
  std::vector<std::string> names;
  for (const McpTool& known : *tools) names.push_back(known.name);
  return std::format("the server '{}' has no tool '{}'; it has: {}", server, tool, comma_list(names));
}

Step<int> run(const ToolsArguments& arguments, Interrupt& interrupt) {
  const std::size_t dot = arguments.tool.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == arguments.tool.size()) {
    return usage_error(std::format(
        "'{}' names no tool: it is SERVER.TOOL (llama-cli tools --mcp-config FILE lists them)", arguments.tool));
  }
  auto input = read_input(arguments.input, interrupt);
  if (!input) return std::unexpected(input.error());
  std::optional<std::chrono::seconds> limit;
  if (arguments.time_limit) limit = std::chrono::seconds(*arguments.time_limit);
  auto opened = open_servers(arguments.config, limit, interrupt, {.quiet = arguments.quiet});
  if (!opened) return std::unexpected(opened.error());
  McpServers& servers = *opened->servers;
  const std::string server = arguments.tool.substr(0, dot), tool = arguments.tool.substr(dot + 1);
  if (const auto names = servers.names(); !std::ranges::contains(names, server)) {
    return usage_error(std::format("there is no server '{}' in '{}'; there are: {}", server, arguments.config.string(),
                                   comma_list(names)));
  }
  const bool shows_progress = !arguments.quiet && ::isatty(STDERR_FILENO) == 1;
  StatusLine status(stderr, shows_progress);
  McpCallOptions options;
  if (shows_progress) {
    options.progress = [&](const McpProgress& progress) {
      if (!status.is_due()) return;
      const auto turn = turn_for_lines();
      if (!turn) return;  // a question waits for its answer
      const std::string of = progress.total ? std::format(" of {}", *progress.total) : "";
      status.draw(std::format("Progress: {}{} {}", progress.progress, of, shown(progress.message, 60)));
      set_status_stands(true);
    };
  }
  const auto result = servers.call_tool(server, tool, *input, options, interrupt.token());
  status.clear();
  if (!result) return stop_with(result.error(), server_status(result.error().code));
  auto printed = arguments.json
                     ? print_result(as_json(*result).dump(2, ' ', false, Json::error_handler_t::replace))
                     : print_result(::isatty(STDOUT_FILENO) == 1 ? printable(text_of(*result)) : text_of(*result));
  if (!printed) return stop_with(printed.error(), kOutputError);
  if (result->is_error) {
    tell("Error: {}", why_it_failed(servers, server, tool, interrupt));
    return kToolError;
  }
  return kDone;
}

}  // namespace

int call_tool(const ToolsArguments& arguments, Interrupt& interrupt) {
  const auto status = run(arguments, interrupt);
  if (status) return *status;
  if (interrupt.signal() != 0) {
    tell("Interrupted");
    return interrupt.exit_status();
  }
  tell("Error: {}", status.error().error.message);
  return status.error().status;
}

}  // namespace llama
