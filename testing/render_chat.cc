// Render chat templates for a comparison: one JSON object per line in, one JSON object per line out.
//
// In: {"template", "bos_token", "eos_token", "messages": [{"role", "content", …}], "add_generation_prompt",
//      "enable_thinking", "tools", "now"}; out: {"text", "pieces": [[text, from outside], …]} or {"error"};
// with tools also "repaired": what the template was not asked to do.
// With a GGUF file as argument also "special": the tokens of the prompt that are more than plain text, in order.
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llama-agent/chat_template.h"
#include "llama-agent/decoder.h"
#include "llama-core/model.h"

namespace {

using Json = nlohmann::ordered_json;

using Pieces = std::vector<llama::PromptPiece>;

// Requests that follow one another mostly have the same template: it is read once.
const llama::Result<llama::ChatTemplate>& parsed_template(const Json& request) {
  const llama::ChatTemplateOptions options{.source = request.at("template"),
                                           .bos_token = request.value("bos_token", ""),
                                           .eos_token = request.value("eos_token", "")};
  static llama::ChatTemplateOptions last;
  static std::optional<llama::Result<llama::ChatTemplate>> parsed;
  const bool is_same = parsed && last.source == options.source && last.bos_token == options.bos_token &&
                       last.eos_token == options.eos_token;
  if (!is_same) parsed.emplace(llama::ChatTemplate::parse(last = options));
  return *parsed;
}

llama::Result<Pieces> render(const Json& request) {
  const auto& parsed = parsed_template(request);
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
  return parsed->render(messages, options);
}

// One decoder for each template, since that says which tokens are special.
llama::Result<Json> special_tokens(const std::shared_ptr<const llama::Model>& model, const std::string& source,
                                   const Pieces& pieces) {
  static std::map<std::string, std::unique_ptr<llama::Decoder>> decoders;
  auto& decoder = decoders[source];
  if (!decoder) {
    auto made = llama::make_decoder(model, {.context_tokens = 256, .max_sequences = 1}, source);
    if (!made) return std::unexpected(made.error());
    decoders.clear();
    decoders[source] = std::move(*made);
  }
  const auto tokens = decoders[source]->tokenize(pieces);
  if (!tokens) return std::unexpected(tokens.error());
  static const auto vocabulary = model->vocabulary();
  Json special = Json::array();
  for (const llama::Token token : *tokens) {
    const auto& entry = vocabulary.at(static_cast<std::size_t>(token));
    const bool is_plain = entry.kind == llama::TokenKind::Normal || entry.kind == llama::TokenKind::Byte;
    if (!is_plain) special.push_back(entry.text);
  }
  return special;
}

}  // namespace

int main(int argc, char** argv) {
  std::shared_ptr<const llama::Model> model;
  if (argc > 1) {
    const std::filesystem::path file = argv[1];
    auto loaded = llama::Model::load(std::span(&file, 1));
    if (!loaded) return std::cerr << loaded.error().message << '\n', 1;
    model = std::move(*loaded);
  }
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const Json request = Json::parse(line);
      const auto pieces = render(request);
      if (pieces) {
        answer["text"] = llama::joined(*pieces);
        if (request.contains("tools")) answer["repaired"] = parsed_template(request)->repaired();
        for (const auto& piece : *pieces) answer["pieces"].push_back({piece.text, piece.from_caller});
        if (model) {
          auto special = special_tokens(model, request.at("template"), *pieces);
          if (special) answer["special"] = std::move(*special);
          if (!special) answer["error"] = special.error().message;
        }
      } else {
        answer["error"] = pieces.error().message;
      }
    } catch (const std::exception& thrown) {
      answer["error"] = std::string("the request is wrong: ") + thrown.what();
    }
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
}
