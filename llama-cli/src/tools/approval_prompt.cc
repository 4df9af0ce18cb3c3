#include "approval_prompt.h"

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "../console.h"
#include "question_prompt.h"
#include "shown_text.h"
#include "terminal_turn.h"

namespace llama {
namespace {

constexpr std::size_t kMaxShownValue = 2'000, kMaxShownDescription = 1'000;

std::string said_of_itself(const ToolHints& hints) {
  std::string text;
  const auto add = [&](const std::optional<bool>& hint, std::string_view yes) {
    if (hint.value_or(false)) text += (text.empty() ? "" : ", ") + std::string(yes);
  };
  add(hints.read_only, "it only reads");
  add(hints.destructive, "it destroys");
  add(hints.open_world, "it reaches out");
  return text.empty() ? "" : std::format(" (it says: {})", text);
}

void show_arguments(const std::string& arguments) {
  const auto object = nlohmann::ordered_json::parse(arguments, nullptr, false);
  if (!object.is_object()) return put_line(stderr, "  " + shown(arguments, kMaxShownValue));
  for (const auto& [name, value] : object.items()) {
    const std::string text = value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    put_line(stderr, std::format("  {}: {}", printable(name), shown(text, kMaxShownValue)));
  }
}

// Other arguments to run the call with.
ApprovalAnswer ask_arguments(const std::string& arguments, const std::stop_token& stop) {
  put_line(stderr, "  They are: " + shown(arguments, kMaxShownValue));
  for (;;) {
    const auto typed = read_from_terminal("  They shall be, as JSON (empty: do not call): ", stop);
    if (!typed) return {.reason = "nobody answered"};
    if (typed->empty()) return {.reason = "the user said no"};
    if (nlohmann::ordered_json::parse(*typed, nullptr, false).is_object())
      return {.kind = ApprovalAnswer::Kind::Once, .arguments = *typed};
    put_line(stderr, "  That is no JSON object.");
  }
}

}  // namespace

ApprovalAnswer ask_approval(const ApprovalQuestion& question, const std::stop_token& stop) {
  const ToolDefinition& tool = question.definition;
  const std::string name = tool.server.empty() ? tool.name : tool.server + "." + tool.name;
  const auto turn = turn_for_question();
  put_line(stderr, std::format("\nThe model wants to call {}{}", printable(name), said_of_itself(tool.hints)));
  if (question.has_changed) put_line(stderr, "  Attention: this tool is not what it was when it was allowed.");
  if ((question.is_first || question.has_changed) && !tool.description.empty())
    put_line(stderr, "  " + shown(tool.description, kMaxShownDescription));
  show_arguments(question.arguments);
  forget_typed_ahead();
  const auto typed = read_from_terminal("Allow it? yes, no, always (this tool), change, or why not: ", stop);
  if (!typed) return {.reason = "nobody answered"};
  if (is_word(*typed, "yes")) return {.kind = ApprovalAnswer::Kind::Once};
  if (is_word(*typed, "always")) return {.kind = ApprovalAnswer::Kind::Tool};
  if (is_word(*typed, "change")) return ask_arguments(question.arguments, stop);
  if (is_word(*typed, "no") || typed->find_first_not_of(" \t\r") == std::string::npos)
    return {.reason = "the user said no"};
  return {.reason = *typed};
}

}  // namespace llama
