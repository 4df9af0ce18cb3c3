#include "question_prompt.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>

#include "../console.h"
#include "terminal_turn.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

// A server's schema is not trusted: what is of another type than it should be reads as if it were not there.
std::string text_of(const Json& schema, const char* key, std::string otherwise) {
  const auto found = schema.find(key);
  return found != schema.end() && found->is_string() ? found->get<std::string>() : std::move(otherwise);
}

bool has_choices(const Json& schema) {
  const auto found = schema.find("enum");
  return found != schema.end() && found->is_array();
}

// Of ["string", "null"] the first: to leave a member out is another way to say null.
std::string typed_as(const Json& schema) {
  const auto found = schema.find("type");
  if (found != schema.end() && found->is_array()) {
    for (const Json& type : *found)
      if (type.is_string() && type != "null") return type.get<std::string>();
  }
  return text_of(schema, "type", "string");
}

// A member of the answer as it was typed; nothing where the text is none of its type.
std::optional<Json> read_member(const std::string& typed, const Json& schema) {
  if (has_choices(schema)) {
    for (const Json& choice : schema["enum"])
      if (choice.is_string() ? choice.get<std::string>() == typed : choice.dump() == typed)
        return std::optional<Json>(std::in_place, choice);
    return std::nullopt;
  }
  const std::string type = typed_as(schema);
  if (type == "boolean") {
    if (typed == "yes" || typed == "y" || typed == "true") return std::optional<Json>(std::in_place, true);
    return typed == "no" || typed == "n" || typed == "false" ? std::optional<Json>(std::in_place, false) : std::nullopt;
  }
  if (type == "string") return std::optional<Json>(std::in_place, typed);
  Json value = Json::parse(typed, nullptr, false);
  const bool fits = type == "integer"  ? value.is_number_integer()
                    : type == "number" ? value.is_number()
                                       : !value.is_discarded();
  return fits ? std::optional<Json>(std::in_place, std::move(value)) : std::nullopt;
}

std::string prompt_of(const std::string& name, const Json& schema, bool required) {
  std::string text = "  " + printable(text_of(schema, "title", name));
  std::string kind = printable(typed_as(schema));
  if (kind == "boolean") kind = "yes or no";
  if (has_choices(schema)) {
    kind.clear();
    for (const Json& choice : schema["enum"])
      kind += (kind.empty() ? "" : ", ") + printable(choice.is_string() ? choice.get<std::string>() : choice.dump());
  }
  text += std::format(" ({}{})", kind, required ? "" : "; empty: nothing");
  if (const std::string about = text_of(schema, "description", ""); !about.empty()) text += ", " + printable(about);
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
      if (const auto value = typed->empty() ? std::nullopt : read_member(*typed, member)) {
        content[name] = *value;
        break;
      }
      put_line(stderr, "  That does not fit.");
    }
  }
  return content.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069: what follows would stand elsewhere than it is.
bool turns_text_round(std::string_view three) {
  if (three.size() < 3 || three[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(three[2]);
  if (three[1] == '\x81') return last >= 0xA6 && last <= 0xA9;
  return three[1] == '\x80' && (last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE));
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
    } else if (turns_text_round(text.substr(i, 3))) {
      shown += ' ', i += 2;
    } else {
      shown += byte >= 0x20 && byte != 0x7F ? text[i] : byte == '\n' ? '\n' : ' ';
    }
  }
  return shown;
}

bool is_word(std::string_view typed, std::string_view word) {
  const auto begin = typed.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return false;
  typed = typed.substr(begin, typed.find_last_not_of(" \t\r") - begin + 1);
  const auto is_same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::ranges::equal(typed, word, is_same) || std::ranges::equal(typed, word.substr(0, 1), is_same);
}

void forget_typed_ahead() { ::tcflush(STDIN_FILENO, TCIFLUSH); }

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
    if (::read(STDIN_FILENO, &c, 1) <= 0) break;
    if (c == '\n') return line;
    line += c;
  }
  put_line(stderr, "");  // nobody ended the prompt's line
  return std::nullopt;
}

McpReply ask_in_terminal(const std::string& server, const McpQuestion& question, const std::stop_token& stop) {
  const auto turn = turn_for_question();
  if (!has_terminal()) {
    tell("The server '{}' asks something, and there is no terminal to answer at: declined ({})", server,
         printable(question.message));
    return {.action = McpReply::Action::Decline};
  }
  tell("The server '{}' asks: {}", server, printable(question.message));
  if (!question.url.empty()) tell("  It wants this address to be opened: {}", printable(question.url));
  forget_typed_ahead();
  const auto willing = read_from_terminal("  Answer? yes or no: ", stop);
  if (!willing) return {.action = McpReply::Action::Cancel};
  if (!is_word(*willing, "yes")) return {.action = McpReply::Action::Decline};
  const auto content = fill_in(Json::parse(question.schema.empty() ? "{}" : question.schema, nullptr, false), stop);
  if (!content) return {.action = McpReply::Action::Cancel};
  return {.action = McpReply::Action::Accept, .content = *content};
}

}  // namespace llama
