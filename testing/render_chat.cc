// Render chat templates for a comparison: one JSON object per line in, one JSON object per line out.
//
// In: {"template", "bos_token", "eos_token", "messages": [{"role", "content", …}], "add_generation_prompt",
//      "enable_thinking", "tools", "now"}; out: {"text"} or {"error"}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "llama-agent/chat_template.h"

namespace {

using Json = nlohmann::ordered_json;

llama::Result<std::string> render(const Json& request) {
  auto parsed = llama::ChatTemplate::parse({.source = request.at("template"),
                                            .bos_token = request.value("bos_token", ""),
                                            .eos_token = request.value("eos_token", "")});
  if (!parsed) return std::unexpected(parsed.error());
  std::vector<llama::Message> messages;
  for (const auto& entry : request.at("messages")) {
    llama::Message message{.content = entry.value("content", "")};
    auto role = llama::parse_message_role(entry.at("role").get<std::string>());
    if (!role) return std::unexpected(role.error());
    message.role = *role;
    message.thinking = entry.value("reasoning_content", "");
    for (const auto& call : entry.value("tool_calls", Json::array())) {
      message.tool_calls.push_back({.id = call.value("id", ""),
                                    .name = call.at("function").at("name"),
                                    .arguments = call.at("function").at("arguments").dump()});
    }
    if (entry.contains("tool_call_id")) message.tool_call_id = entry["tool_call_id"];
    if (entry.contains("name")) message.tool_name = entry["name"];
    messages.push_back(std::move(message));
  }
  llama::RenderOptions options;
  options.add_generation_prompt = request.value("add_generation_prompt", true);
  if (request.contains("enable_thinking")) options.enable_thinking = request["enable_thinking"].get<bool>();
  if (request.contains("tools")) options.tools = request["tools"].dump();
  if (request.contains("now")) options.now = std::chrono::sys_seconds(std::chrono::seconds(request["now"].get<long>()));
  auto pieces = parsed->render(messages, options);
  if (!pieces) return std::unexpected(pieces.error());
  return llama::joined(*pieces);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const auto text = render(Json::parse(line));
      text ? answer["text"] = *text : answer["error"] = text.error().message;
    } catch (const std::exception& thrown) {
      answer["error"] = std::string("the request is wrong: ") + thrown.what();
    }
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
}
