#include "approval_prompt.h"

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "../console.h"
#include "question_prompt.h"
#include "shown_text.h"

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

}  // namespace

ApprovalAnswer ask_approval(const ApprovalQuestion& question, const std::stop_token& stop) {
  const ToolDefinition& tool = question.definition;
  const std::string name = tool.server.empty() ? tool.name : tool.server + "." + tool.name;
  put_line(stderr, std::format("\nThe model wants to call {}{}", printable(name), said_of_itself(tool.hints)));
  if (question.has_changed) put_line(stderr, "  Attention: this tool is not what it was when it was allowed.");
  if ((question.is_first || question.has_changed) && !tool.description.empty())
    put_line(stderr, "  " + shown(tool.description, kMaxShownDescription));
  show_arguments(question.arguments);
  const auto typed = read_from_terminal("Allow it? yes, no, always (this tool), or why not: ", stop);
  if (!typed) return {.reason = "nobody answered"};
  if (*typed == "yes" || *typed == "y") return {.kind = ApprovalAnswer::Kind::Once};
  if (*typed == "always" || *typed == "a") return {.kind = ApprovalAnswer::Kind::Tool};
  if (*typed == "no" || *typed == "n" || typed->empty()) return {.reason = "the user said no"};
  return {.reason = *typed};
}

}  // namespace llama
