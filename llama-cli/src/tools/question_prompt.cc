#include "question_prompt.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "../console.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

// Two servers may ask at once; a person answers one after the other.
std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

// Reads a member of the answer as it was typed. False: the text is none of its type.
bool read_member(const std::string& typed, const Json& schema, Json& value) {
  const std::string type = schema.value("type", "string");
  if (schema.contains("enum") && schema["enum"].is_array()) {
    for (const Json& choice : schema["enum"]) {
      value = choice;
      if (choice.is_string() ? choice.get<std::string>() == typed : choice.dump() == typed) return true;
    }
    return false;
  }
  if (type == "boolean") {
    value = typed == "yes" || typed == "y" || typed == "true";
    return value.get<bool>() || typed == "no" || typed == "n" || typed == "false";
  }
  value = type == "string" ? Json(typed) : Json::parse(typed, nullptr, false);
  if (type == "integer") return value.is_number_integer();
  return type == "number" ? value.is_number() : !value.is_discarded();
}

std::string prompt_of(const std::string& name, const Json& schema, bool required) {
  std::string text = "  " + printable(schema.value("title", name));
  std::string kind = printable(schema.value("type", "string"));
  if (kind == "boolean") kind = "yes or no";
  if (schema.contains("enum") && schema["enum"].is_array()) {
    kind.clear();
    for (const Json& choice : schema["enum"])
      kind += (kind.empty() ? "" : ", ") + printable(choice.is_string() ? choice.get<std::string>() : choice.dump());
  }
  text += std::format(" ({}{})", kind, required ? "" : "; empty: nothing");
  if (schema.contains("description") && schema["description"].is_string())
    text += ", " + printable(schema["description"].get<std::string>());
  return text + ": ";
}

// The answer as JSON text; nothing where it is broken off.
std::optional<std::string> fill_in(const Json& schema, const std::stop_token& stop) {
  Json content = Json::object();
  const bool has_members = schema.is_object() && schema.contains("properties") && schema["properties"].is_object();
  const Json members = has_members ? schema["properties"] : Json::object();
  const Json required = has_members ? schema.value("required", Json::array()) : Json::array();
  for (const auto& [name, member] : members.items()) {
    if (!member.is_object()) continue;
    const bool is_required = std::ranges::find(required, Json(name)) != required.end();
    for (;;) {
      const auto typed = read_from_terminal(prompt_of(name, member, is_required), stop);
      if (!typed) return std::nullopt;
      if (typed->empty() && member.contains("default")) content[name] = member["default"];
      if (typed->empty() && (!is_required || member.contains("default"))) break;
      if (!typed->empty() && read_member(*typed, member, content[name])) break;
      put_line(stderr, "  That does not fit.");
    }
  }
  return content.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls (U+0080 to U+009F) are two bytes in UTF-8: terminals obey them too.
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_c1) {
      shown += ' ', ++i;
    } else {
      shown += byte >= 0x20 && byte != 0x7F ? text[i] : byte == '\n' ? '\n' : ' ';
    }
  }
  return shown;
}

bool has_terminal() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

std::optional<std::string> read_from_terminal(std::string_view prompt, const std::stop_token& stop) {
  if (!has_terminal()) return std::nullopt;
  std::fwrite(prompt.data(), 1, prompt.size(), stderr);
  std::fflush(stderr);
  std::string line;
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;  // a signal, or nothing yet: is there a stop?
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) <= 0) return std::nullopt;
    if (c == '\n') return line;
    line += c;
  }
  return std::nullopt;
}

McpReply ask_in_terminal(const std::string& server, const McpQuestion& question, const std::stop_token& stop) {
  const std::scoped_lock lock(one_at_a_time());
  if (!has_terminal()) {
    tell("The server '{}' asks something, and there is no terminal to answer at: declined ({})", server,
         printable(question.message));
    return {.action = McpReply::Action::Decline};
  }
  tell("The server '{}' asks: {}", server, printable(question.message));
  if (!question.url.empty()) tell("  It wants this address to be opened: {}", printable(question.url));
  const auto willing = read_from_terminal("  Answer? yes or no: ", stop);
  if (!willing) return {.action = McpReply::Action::Cancel};
  if (*willing != "yes" && *willing != "y") return {.action = McpReply::Action::Decline};
  const auto content = fill_in(Json::parse(question.schema.empty() ? "{}" : question.schema, nullptr, false), stop);
  if (!content) return {.action = McpReply::Action::Cancel};
  return {.action = McpReply::Action::Accept, .content = *content};
}

}  // namespace llama
