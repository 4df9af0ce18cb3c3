#include "llama-agent/chat_template.h"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "callers_text.h"
#include "jinja.h"
#include "llama-core/chat_format.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;
using internal::Jinja;
using internal::placeholder;

Json arguments_of(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_object() ? value : Json(text);
}

Json to_json(const Message& message) {
  Json object{{"role", to_string(message.role)}, {"content", message.content}};
  if (!message.thinking.empty()) object["reasoning_content"] = message.thinking;
  for (const auto& call : message.tool_calls) {
    object["tool_calls"].push_back({{"type", "function"},
                                    {"id", call.id},
                                    {"function", {{"name", call.name}, {"arguments", arguments_of(call.arguments)}}}});
  }
  if (message.tool_call_id) object["tool_call_id"] = *message.tool_call_id;
  if (message.tool_name) object["name"] = *message.tool_name;
  return object;
}

// The markers that families use; the first one in a template's text counts.
std::optional<ThinkingMarkers> markers_in(std::string_view source) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKnown{{
      {"<think>", "</think>"},
      {"[THINK]", "[/THINK]"},
      {"<|START_THINKING|>", "<|END_THINKING|>"},
      {"<seed:think>", "</seed:think>"},
      {"<|channel>thought", "<channel|>"},
  }};
  for (const auto& [opener, closer] : kKnown) {
    if (source.contains(opener) || source.contains(closer)) return ThinkingMarkers{std::string(opener), std::string(closer)};
  }
  return std::nullopt;
}

// Systems' messages in front of the first user's text, for a template that knows no system.
std::vector<Message> with_system_in_user(std::span<const Message> messages) {
  std::string system;
  std::vector<Message> merged;
  bool found_user = false;
  for (const auto& message : messages) {
    if (message.role == MessageRole::System && !found_user) {
      system += (system.empty() ? "" : "\n") + message.content;
      continue;
    }
    merged.push_back(message);
    if (message.role == MessageRole::User && !found_user) {
      found_user = true;
      if (!system.empty()) merged.back().content = system + "\n\n" + message.content;
    }
  }
  return merged;
}

}  // namespace

struct ChatTemplate::State {
  std::string origin, bos, eos;
  std::optional<Jinja> jinja;
  std::string builtin;  // llama.cpp's name or the template that it shall recognize; used where there is no Jinja
  bool knows_system = true;
  std::optional<ThinkingMarkers> thinking;
  std::vector<std::string> turn_ends;

  [[nodiscard]] Result<std::string> text(std::span<const Message> messages, const RenderOptions& options) const;
  [[nodiscard]] Result<std::string> jinja_text(std::span<const Message> messages, const RenderOptions& options) const;
  void probe();
};

Result<std::string> ChatTemplate::State::jinja_text(std::span<const Message> messages,
                                                    const RenderOptions& options) const {
  Json variables{{"bos_token", bos}, {"eos_token", eos}, {"add_generation_prompt", options.add_generation_prompt}};
  variables["messages"] = Json::array();
  for (const auto& message : messages) variables["messages"].push_back(to_json(message));
  if (!options.tools.empty()) {
    Json tools = Json::parse(options.tools, nullptr, false);
    if (!tools.is_array()) return fail(ErrorCode::InvalidArgument, "the tool definitions are no JSON array");
    if (!tools.empty()) variables["tools"] = std::move(tools);
  }
  if (options.enable_thinking) variables["enable_thinking"] = *options.enable_thinking;
  if (!options.arguments.empty()) {
    const Json more = Json::parse(options.arguments, nullptr, false);
    if (!more.is_object()) return fail(ErrorCode::InvalidArgument, "the template's arguments are no JSON object");
    for (const auto& [name, value] : more.items()) variables[name] = value;
  }
  return jinja->render(variables, options.now);
}

Result<std::string> ChatTemplate::State::text(std::span<const Message> messages, const RenderOptions& options) const {
  std::vector<Message> merged;
  if (!knows_system) {
    merged = with_system_in_user(messages);
    messages = merged;
  }
  auto render = [&](std::span<const Message> all, const RenderOptions& how) -> Result<std::string> {
    if (jinja) return jinja_text(all, how);
    std::vector<ChatTurn> turns;
    for (const auto& message : all) turns.push_back({std::string(to_string(message.role)), message.content});
    return apply_chat_format(builtin, turns, how.add_generation_prompt);
  };
  if (!options.continue_last_message || messages.empty() || messages.back().role != MessageRole::Assistant) {
    return render(messages, options);
  }
  // The last message stays open: what the template writes behind its text is cut off.
  RenderOptions closed = options;
  closed.add_generation_prompt = false;
  auto whole = render(messages, closed);
  if (!whole) return whole;
  std::string_view last = messages.back().content;
  last = last.substr(0, last.find_last_not_of(" \t\r\n") + 1);
  const std::size_t at = last.empty() ? std::string::npos : whole->rfind(last);
  if (at == std::string::npos) {
    return fail(ErrorCode::InvalidArgument, "the chat template does not show the message that shall go on");
  }
  return whole->substr(0, at + last.size());
}

// What the template does, found by trying.
void ChatTemplate::State::probe() {
  const RenderOptions open{.add_generation_prompt = false};
  const std::string system = placeholder(0), user = placeholder(1), answer = placeholder(2);
  const std::vector<Message> question{{.role = MessageRole::System, .content = system}, {.content = user}};
  const auto asked = text(question, open);
  knows_system = asked && asked->contains(system) && asked->contains(user);

  // The text behind an assistant's words, up to where the next turn begins.
  const std::vector<Message> one{{.content = user}, {.role = MessageRole::Assistant, .content = answer}};
  std::vector<Message> two = one;
  two.push_back({.content = user});
  const auto first = text(one, open), second = text(two, open);
  if (!first || !first->contains(answer)) return;
  std::string end = first->substr(first->rfind(answer) + answer.size());
  if (second && second->contains(answer)) {
    const std::string longer = second->substr(second->rfind(answer) + answer.size());
    end.resize(static_cast<std::size_t>(std::ranges::mismatch(end, longer).in1 - end.begin()));
  }
  const std::size_t stop = end.find_last_not_of(" \t\r\n");
  end.erase(stop == std::string::npos ? 0 : stop + 1);
  end.erase(0, std::min(end.find_first_not_of(" \t\r\n"), end.size()));
  // Only what looks like a marker may stop a reply: "<|im_end|>", "</s>", "[/INST]"…
  if (end.size() >= 3 && end.size() <= 40 && (end.starts_with('<') || end.starts_with('['))) turn_ends = {end};
}

Result<ChatTemplate> ChatTemplate::parse(const ChatTemplateOptions& options) {
  auto jinja = Jinja::parse(options.source);
  if (!jinja) return std::unexpected(jinja.error());
  auto state = std::make_shared<State>();
  state->origin = "Jinja";
  state->bos = options.bos_token;
  state->eos = options.eos_token;
  state->jinja = std::move(*jinja);
  state->thinking = markers_in(options.source);
  // A template that cannot even write one question is of no use.
  const std::vector<Message> question{{.content = "Hello"}};
  if (auto text = state->text(question, {}); !text) return std::unexpected(text.error());
  state->probe();
  return ChatTemplate(std::move(state));
}

Result<ChatTemplate> ChatTemplate::builtin(std::string name_or_source) {
  auto state = std::make_shared<State>();
  state->builtin = std::move(name_or_source);
  state->origin = "llama.cpp's built-in format";
  const std::vector<Message> question{{.content = "Hello"}};
  if (auto text = state->text(question, {}); !text) return std::unexpected(text.error());
  state->probe();
  return ChatTemplate(std::move(state));
}

ChatTemplate ChatTemplate::chatml() {
  auto state = std::make_shared<State>();
  state->builtin = "chatml";
  state->origin = "ChatML";
  state->turn_ends = {"<|im_end|>"};
  return ChatTemplate(std::move(state));
}

Result<std::vector<PromptPiece>> ChatTemplate::render(std::span<const Message> messages,
                                                      const RenderOptions& options) const {
  auto plain = state_->text(messages, options);
  if (!plain) return std::unexpected(plain.error());

  // Once more with placeholders, which show which bytes are a caller's.
  std::vector<Message> marked(messages.begin(), messages.end());
  std::vector<internal::CallersText> texts;
  for (auto& message : marked) {
    if (message.content.empty()) continue;
    texts.push_back({placeholder(texts.size()), message.content});
    message.content = texts.back().word;
  }
  const auto shown = state_->text(marked, options);
  return internal::callers_pieces(*plain, shown ? *shown : std::string(), texts);
}

const std::optional<ThinkingMarkers>& ChatTemplate::thinking_markers() const { return state_->thinking; }
const std::vector<std::string>& ChatTemplate::end_of_turn_texts() const { return state_->turn_ends; }
std::string_view ChatTemplate::origin() const { return state_->origin; }

Result<ChatTemplate> chat_template_of(const Model& model, const std::string& callers_source) {
  const auto text_of = [&](std::optional<Token> token) {
    return token ? model.piece(*token, SpecialTokens::Parse) : std::string();
  };
  ChatTemplateOptions options{.source = callers_source,
                              .bos_token = text_of(model.bos_token()),
                              .eos_token = text_of(model.eos_token())};
  if (!callers_source.empty()) {
    auto parsed = ChatTemplate::parse(options);
    if (!parsed) return fail(ErrorCode::InvalidArgument, parsed.error().message);
    return parsed;
  }
  const auto own = model.chat_template();
  if (!own || own->empty()) return ChatTemplate::chatml();
  options.source = *own;
  if (auto parsed = ChatTemplate::parse(options)) return parsed;
  if (auto known = ChatTemplate::builtin(*own)) return known;
  return ChatTemplate::chatml();
}

}  // namespace llama
