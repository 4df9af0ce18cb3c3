#include "llama-mcp/mcp_client.h"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "client/client_core.h"
#include "protocol/mcp_json.h"
#include "protocol/one_line.h"
#include "protocol/server_values.h"

namespace llama {

using internal::RequestFailure;

struct McpClient::State {
  std::unique_ptr<internal::ClientCore> core;
};

namespace {

// What the server refused is for the model to read, if it is about the call; if it is about the protocol, for people.
bool is_about_call(const RequestFailure& failure) {
  using namespace internal;
  if (failure.end != RequestFailure::End::Refused) return false;
  return failure.code != kMethodNotFound && failure.code != kParseError && failure.code != kHeaderMismatch &&
         failure.code != kMissingClientCapability && failure.code != kUnsupportedRevision;
}

McpToolResult refused_call(const RequestFailure& failure) {
  std::string text =
      failure.message.empty() ? std::format("the server refuses the call (error {})", failure.code) : failure.message;
  // Source: specification 2025-11-25, "Elicitation", "URL mode": error -32042 lists what is to be opened first.
  if (failure.code == internal::kUrlQuestionRequired) {
    for (const auto& each : internal::array_member(failure.data, "elicitations")) {
      text += std::format("\n{}: {}", internal::text_member(each, "message"), internal::text_member(each, "url"));
    }
  }
  return {.content = {{.kind = McpContent::Kind::Text, .text = std::move(text)}}, .is_error = true};
}

template <class Entry, class Read>
Result<std::vector<Entry>> read_list(const Result<nlohmann::ordered_json>& list, const Read& read, const auto& drop) {
  if (!list) return std::unexpected(list.error());
  std::vector<Entry> entries;
  for (const auto& each : *list) {
    if (auto entry = read(each))
      entries.push_back(std::move(*entry));
    else
      drop(each);
  }
  return entries;
}

}  // namespace

McpClient::McpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
McpClient::~McpClient() = default;

Result<std::unique_ptr<McpClient>> McpClient::connect(const McpServerConfig& config, McpHandlers handlers,
                                                      const McpClientOptions& options, const std::stop_token& stop) {
  if (auto sound = check(config); !sound) return std::unexpected(std::move(sound.error()));
  auto core = internal::ClientCore::connect({.config = config,
                                             .handlers = std::move(handlers),
                                             .options = options,
                                             .make_channel =
                                                 [config, options] {
                                                   return config.url.empty()
                                                              ? internal::make_stdio_channel(config, options)
                                                              : internal::make_http_channel(config, options);
                                                 }},
                                            stop);
  if (!core) return std::unexpected(std::move(core.error()));
  auto state = std::make_unique<State>();
  state->core = std::move(*core);
  return std::unique_ptr<McpClient>(new McpClient(std::move(state)));
}

const McpServerInfo& McpClient::info() const { return state_->core->info(); }

Result<std::vector<McpTool>> McpClient::list_tools(const std::stop_token& stop) {
  auto& core = *state_->core;
  auto& session = core.session();
  auto tools = read_list<McpTool>(core.list("tools/list", "tools", info().has_tools, stop), internal::read_tool,
                                  [&](const auto&) { session.remark("a tool without a usable name is left out"); });
  if (!tools) return tools;
  std::vector<McpTool> usable;
  std::set<std::string> names;
  for (auto& tool : *tools) {
    if (!names.insert(tool.name).second) {
      session.remark(std::format("tool '{}' is listed twice: the second is left out", tool.name));
    } else if (auto learnt = session.channel().learn_tool(tool.name, tool.input_schema); !learnt) {
      session.remark(std::format("tool '{}' is left out: {}", tool.name, learnt.error().message));
    } else {
      usable.push_back(std::move(tool));
    }
  }
  return usable;
}

Result<McpToolResult> McpClient::call_tool(std::string_view name, std::string_view arguments,
                                           const McpCallOptions& options, const std::stop_token& stop) {
  auto& core = *state_->core;
  auto parsed = internal::parse_object(std::format("arguments of '{}'", name), arguments);
  if (!parsed) return std::unexpected(core.session().named(std::move(parsed.error())));
  const nlohmann::ordered_json params{{"name", name}, {"arguments", std::move(*parsed)}};
  const internal::RequestOptions how{.name = std::string(name),
                                     .limit = options.time_limit.value_or(core.config().call_time_limit),
                                     .has_progress = true,
                                     .progress = options.progress};
  auto result = core.ask("tools/call", params, how, stop);
  if (!result && result.error().code == internal::kHeaderMismatch) {
    // The tool's schema wants other headers than ours has, or was never listed: it is, once.
    // Source: specification 2026-07-28, "Transports", "Custom headers from tool parameters".
    core.session().events().changed(internal::EventThread::Change::Tools);
    if (const auto listed = list_tools(stop); !listed) return std::unexpected(listed.error());
    result = core.ask("tools/call", params, how, stop);
  }
  if (result) return internal::read_tool_result(*result);
  if (is_about_call(result.error())) return refused_call(result.error());
  return std::unexpected(std::move(result.error().error));
}

Result<std::vector<McpPrompt>> McpClient::list_prompts(const std::stop_token& stop) {
  return read_list<McpPrompt>(state_->core->list("prompts/list", "prompts", info().has_prompts, stop),
                              internal::read_prompt, [](const auto&) {});
}

Result<std::vector<McpPromptMessage>> McpClient::get_prompt(std::string_view name, std::string_view arguments,
                                                            const std::stop_token& stop) {
  auto& core = *state_->core;
  auto parsed = internal::parse_object(std::format("arguments of '{}'", name), arguments);
  if (!parsed) return std::unexpected(core.session().named(std::move(parsed.error())));
  auto result = core.ask("prompts/get", {{"name", name}, {"arguments", std::move(*parsed)}},
                         {.name = std::string(name), .limit = core.config().call_time_limit}, stop);
  if (!result) return std::unexpected(std::move(result.error().error));
  std::vector<McpPromptMessage> messages;
  for (const auto& each : internal::array_member(*result, "messages")) {
    messages.push_back({.role = internal::text_member(each, "role"),
                        .content = internal::read_content(internal::object_member(each, "content"))});
  }
  return messages;
}

Result<std::vector<McpResource>> McpClient::list_resources(const std::stop_token& stop) {
  return read_list<McpResource>(state_->core->list("resources/list", "resources", info().has_resources, stop),
                                internal::read_resource, [](const auto&) {});
}

Result<std::vector<McpContent>> McpClient::read_resource(std::string_view uri, const std::stop_token& stop) {
  auto& core = *state_->core;
  auto result = core.ask("resources/read", {{"uri", uri}},
                         {.name = std::string(uri), .limit = core.config().call_time_limit}, stop);
  if (!result) return std::unexpected(std::move(result.error().error));
  std::vector<McpContent> contents;
  for (const auto& each : internal::array_member(*result, "contents")) {
    contents.push_back(internal::read_resource_contents(each));
  }
  return contents;
}

Result<void> McpClient::subscribe(std::string_view uri, const std::stop_token& stop) {
  return state_->core->subscribe(std::string(uri), stop);
}

Result<void> McpClient::ping(const std::stop_token& stop) { return state_->core->ping(stop); }

McpHealth McpClient::health() const { return state_->core->session().health(); }

std::string McpClient::last_words() const { return state_->core->session().last_words(); }

void McpClient::close() { state_->core->close(); }

}  // namespace llama
