// Play the client that npm's @modelcontextprotocol/conformance tests: conformance_client ADDRESS, with the scenario's
// name in MCP_CONFORMANCE_SCENARIO and what it should call in MCP_CONFORMANCE_CONTEXT. script/mcp-conformance runs it.
//
// It does what a user of llama-mcp does: connects, lists what there is, calls it. The era is found out, not told.
#include <cstdlib>
#include <print>
#include <string>

#include <nlohmann/json.hpp>

#include "llama-mcp/mcp_client.h"

namespace {

using nlohmann::json;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A person who agrees to everything and leaves each field as it is proposed.
llama::McpReply agree(const llama::McpQuestion& question, const std::stop_token&) {
  json content = json::object();
  const json schema = json::parse(question.schema, nullptr, false);
  if (schema.is_object() && schema.contains("properties")) {
    for (const auto& [name, field] : schema["properties"].items()) {
      if (field.contains("default"))
        content[name] = field["default"];
      else if (field.value("type", "") == "boolean")
        content[name] = true;
    }
  }
  return {.action = llama::McpReply::Action::Accept, .content = content.dump()};
}

int fail(const llama::Error& error) {
  std::println(stderr, "{}", error.message);
  return 1;
}

int call(llama::McpClient& client, const std::string& tool, const json& arguments) {
  const auto result = client.call_tool(tool, arguments.dump());
  if (!result) return fail(result.error());
  std::println("{}: {}", tool, llama::text_of(*result));
  return 0;
}

// Arguments that a schema accepts, where the scenario does not name any.
json arguments_for(const json& schema) {
  json arguments = json::object();
  for (const auto& [name, field] : schema.value("properties", json::object()).items()) {
    const std::string type = field.value("type", "string");
    if (type == "number" || type == "integer")
      arguments[name] = 5;
    else if (type == "boolean")
      arguments[name] = true;
    else if (type == "object")
      arguments[name] = json::object();
    else if (type == "array")
      arguments[name] = json::array();
    else
      arguments[name] = "text";
  }
  return arguments;
}

int call_tools(llama::McpClient& client, const std::vector<llama::McpTool>& tools) {
  const json context = json::parse(variable("MCP_CONFORMANCE_CONTEXT"), nullptr, false);
  int status = 0;
  if (context.is_object() && context.contains("toolCalls")) {
    for (const auto& each : context["toolCalls"]) status |= call(client, each["name"], each["arguments"]);
    return status;
  }
  for (const auto& tool : tools) {
    json arguments = arguments_for(json::parse(tool.input_schema));
    // The scenario wants to see what became of the first tool's schema.
    if (tool.name == "json_schema_echo") arguments["schema"] = json::parse(tools.front().input_schema);
    status |= call(client, tool.name, arguments);
  }
  return status;
}

int read_all(llama::McpClient& client) {
  const auto resources = client.list_resources();
  if (!resources) return fail(resources.error());
  for (const auto& each : *resources) {
    if (const auto contents = client.read_resource(each.uri); !contents) return fail(contents.error());
  }
  const auto prompts = client.list_prompts();
  if (!prompts) return fail(prompts.error());
  for (const auto& each : *prompts) {
    if (const auto messages = client.get_prompt(each.name, ""); !messages) return fail(messages.error());
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::string scenario = variable("MCP_CONFORMANCE_SCENARIO");
  const auto client = llama::McpClient::connect(
      {.name = "conformance", .url = arguments[count - 1]},
      {.log = [](const llama::McpLogLine& line) { std::println(stderr, "{}: {}", line.level, line.text); },
       .ask = agree},
      {.client_name = "llama-mcp", .client_version = "1"});
  if (!client) return fail(client.error());
  std::println("revision {}", (*client)->info().revision);
  const auto tools = (*client)->list_tools();
  if (!tools) return fail(tools.error());
  if (scenario == "json-schema-ref-no-deref") return 0;
  const int called = call_tools(**client, *tools);
  return called | read_all(**client);
}
