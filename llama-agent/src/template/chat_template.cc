#include "llama-agent/chat_template.h"

#include <algorithm>
#include <array>
#include <format>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "../reply/reply_format.h"
#include "jinja.h"
#include "llama-base/json_shape.h"
#include "llama-core/chat_format.h"
#include "message_json.h"
#include "outside_text.h"
#include "tool_capabilities.h"
#include "tool_repairs.h"

namespace llama {
namespace {

constexpr std::string_view kDescribedFormat = "hermes";
constexpr std::string_view kUnknownFormat = "generic";  // of a template that shows tools and nothing of a call

using Json = nlohmann::ordered_json;
using internal::Jinja;
using internal::placeholder;
using internal::Replaced;
using internal::Stretch;

// The markers that families use; the first one in a template's text counts.
std::optional<ThinkingMarkers> thinking_markers_in(std::string_view source) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKnown{{
      {"<think>", "</think>"},
      {"[THINK]", "[/THINK]"},
      {"<|START_THINKING|>", "<|END_THINKING|>"},
      {"<seed:think>", "</seed:think>"},
      {"<|channel>thought", "<channel|>"},
  }};
  for (const auto& [opener, closer] : kKnown) {
    if (source.contains(opener) || source.contains(closer))
      return ThinkingMarkers{std::string(opener), std::string(closer)};
  }
  return std::nullopt;
}

}  // namespace

struct ChatTemplate::State {
  std::string origin, bos, eos;
  std::string source;  // Jinja
  std::shared_ptr<const Jinja> jinja;
  std::string builtin;  // llama.cpp's name or the template that it shall recognize; used where there is no Jinja
  bool knows_system = true;
  std::optional<ThinkingMarkers> thinking;
  std::string_view reply_format = internal::kTextFormat.name;
  std::vector<std::string> turn_ends;
  // Asked for with the first conversation that has tools, calls or results in it.
  struct LazyCapabilities {
    std::once_flag once;
    internal::ToolCapabilities found;
  };
  std::shared_ptr<LazyCapabilities> lazy = std::make_shared<LazyCapabilities>();

  [[nodiscard]] const internal::ToolCapabilities& capabilities() const;
  // The format that replies are read with: where the template does not show tools, they are described in a way that
  // Hermes' format reads.
  [[nodiscard]] std::string_view format_of_calls() const {
    if (reply_format != internal::kTextFormat.name) return reply_format;
    return capabilities().tools ? kUnknownFormat : kDescribedFormat;
  }
  [[nodiscard]] Result<Json> variables(std::span<const Message> messages, const RenderOptions& options) const;
  [[nodiscard]] Result<std::string> written(const Json& variables, const RenderOptions& options) const;
  // Of messages whose texts are all trusted.
  [[nodiscard]] Result<std::string> text(std::span<const Message> messages, const RenderOptions& options) const {
    return variables(messages, options).and_then([&](const Json& all) { return written(all, options); });
  }
  [[nodiscard]] Result<std::vector<Stretch>> stretches(const Json& variables, const RenderOptions& options,
                                                       std::size_t& last_of_reply) const;
  void probe();
};

const internal::ToolCapabilities& ChatTemplate::State::capabilities() const {
  std::call_once(lazy->once, [this] {
    lazy->found = internal::probe_tools([this](const Json& asked) -> Result<std::string> {
      if (!jinja) return fail(ErrorCode::InvalidModel, "a built-in format has no tools");
      Json all{{"bos_token", bos}, {"eos_token", eos}};
      for (const auto& [name, value] : asked.items()) all[name] = value;
      return written(all, {});
    });
  });
  return lazy->found;
}

Result<Json> ChatTemplate::State::variables(std::span<const Message> messages, const RenderOptions& options) const {
  Json all{{"bos_token", bos}, {"eos_token", eos}};
  all["add_generation_prompt"] = options.add_generation_prompt && !options.continue_last_message;
  Json tools = Json::array();
  for (const auto* json : {&options.tools, &options.arguments}) {
    if (internal::is_bounded_json(*json)) continue;
    return fail(ErrorCode::InvalidArgument,
                "the tool definitions, or the arguments, nest too deep or have too many members");
  }
  if (!options.tools.empty()) {
    tools = Json::parse(options.tools, nullptr, false);
    if (!tools.is_array()) return fail(ErrorCode::InvalidArgument, "the tool definitions are no JSON array");
  }
  std::vector<Message> shown(messages.begin(), messages.end());
  const auto has_tools = [](const Message& m) { return m.role == MessageRole::Tool || !m.tool_calls.empty(); };
  internal::ToolCapabilities can;
  if (!tools.empty() || std::ranges::any_of(messages, has_tools)) {
    can = capabilities();
    shown = with_tools_repaired(messages, tools.empty() ? "" : options.tools, can,
                                internal::call_pattern_of(format_of_calls()));
  }
  if (!tools.empty() && can.tools) all["tools"] = std::move(tools);
  all["messages"] = Json::array();
  if (!knows_system) shown = internal::with_system_in_user(shown);
  for (const auto& message : shown) all["messages"].push_back(internal::message_json(message, can));
  if (options.enable_thinking) all["enable_thinking"] = *options.enable_thinking;
  if (!options.arguments.empty()) {
    const Json more = Json::parse(options.arguments, nullptr, false);
    if (!more.is_object()) return fail(ErrorCode::InvalidArgument, "the template's arguments are no JSON object");
    for (const auto& [name, value] : more.items()) all[name] = value;
  }
  return all;
}

Result<std::string> ChatTemplate::State::written(const Json& variables, const RenderOptions& options) const {
  if (jinja) return jinja->render(variables, options.now);
  std::vector<ChatTurn> turns;
  for (const auto& message : variables["messages"]) {
    turns.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  return apply_chat_format(builtin, turns, variables["add_generation_prompt"].get<bool>());
}

Result<std::vector<Stretch>> ChatTemplate::State::stretches(const Json& variables, const RenderOptions& options,
                                                            std::size_t& last_of_reply) const {
  const auto plain = written(variables, options);
  if (!plain) return std::unexpected(plain.error());
  internal::Replacement replacement;
  for (const auto how : {Replaced::Everything, Replaced::AllButNames, Replaced::BetweenMarkers}) {
    Json marked = variables;
    replacement = replace_outside(marked, how, source);
    last_of_reply = replacement.last_of_reply;
    const auto shown = written(marked, options);
    if (!shown) continue;  // it objects to words that it does not know
    if (auto found = aligned(*plain, *shown, replacement); !found.empty()) return found;
  }
  return looked_for(*plain, replacement);
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
  state->source = options.source;
  state->jinja = std::make_shared<const Jinja>(std::move(*jinja));
  state->thinking = thinking_markers_in(options.source);
  state->reply_format = internal::choose_reply_format({.source = options.source}).name;
  return ChatTemplate(std::move(state)).with_tokens(options.bos_token, options.eos_token);
}

Result<ChatTemplate> ChatTemplate::with_tokens(std::string bos, std::string eos) const {
  auto state = std::make_shared<State>(*state_);
  state->bos = std::move(bos);
  state->eos = std::move(eos);
  state->knows_system = true;
  state->turn_ends.clear();
  state->lazy = std::make_shared<State::LazyCapabilities>();
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
  const auto variables = state_->variables(messages, options);
  if (!variables) return std::unexpected(variables.error());
  std::size_t last_of_reply = 0;
  auto stretches = state_->stretches(*variables, options, last_of_reply);
  if (!stretches) return std::unexpected(stretches.error());
  if (options.continue_last_message && !messages.empty() && messages.back().role == MessageRole::Assistant) {
    // The last message stays open: what the template writes after its text is cut off.
    const auto last = std::ranges::find(stretches->rbegin(), stretches->rend(), last_of_reply, &Stretch::source);
    if (last_of_reply == 0 || last == stretches->rend()) {
      return fail(ErrorCode::InvalidArgument, "the chat template does not show the message that shall go on");
    }
    stretches->erase(last.base(), stretches->end());
  }
  std::vector<PromptPiece> pieces;
  for (auto& stretch : *stretches) pieces.push_back({std::move(stretch.text), stretch.source != 0});
  return pieces;
}

const std::optional<ThinkingMarkers>& ChatTemplate::thinking_markers() const { return state_->thinking; }
const std::vector<std::string>& ChatTemplate::end_of_turn_texts() const { return state_->turn_ends; }
std::string_view ChatTemplate::reply_format() const { return state_->format_of_calls(); }
std::vector<std::string_view> ChatTemplate::repaired() const {
  const internal::ToolCapabilities& can = state_->capabilities();
  std::vector<std::string_view> all;
  if (!can.tools) all.emplace_back("definitions");
  if (!can.calls) all.emplace_back("calls");
  if (!can.results) all.emplace_back("results");
  if (can.calls && !can.several_calls) all.emplace_back("several calls");
  if (can.ids_of_nine) all.emplace_back("ids");
  if (can.text_arguments) all.emplace_back("arguments as text");
  if (can.null_content) all.emplace_back("no content");
  return all;
}
std::string_view ChatTemplate::source() const { return state_->source; }
std::string_view ChatTemplate::origin() const { return state_->origin; }

Result<ChatTemplate> chat_template_of(const Model& model, const std::optional<ChatTemplate>& callers) {
  const auto text_of_token = [&](std::optional<Token> token) {
    return token ? model.piece(*token, SpecialTokens::Parse) : std::string();
  };
  const std::string bos = text_of_token(model.bos_token()), eos = text_of_token(model.eos_token());
  if (callers) {
    auto its = callers->with_tokens(bos, eos);
    if (!its) return fail(ErrorCode::InvalidArgument, its.error().message);
    return its;
  }
  const auto own = model.chat_template();
  if (!own || own->empty()) return ChatTemplate::chatml();
  if (auto parsed = ChatTemplate::parse({.source = *own, .bos_token = bos, .eos_token = eos})) return parsed;
  if (auto known = ChatTemplate::builtin(*own)) return known;
  return ChatTemplate::chatml();
}

}  // namespace llama
