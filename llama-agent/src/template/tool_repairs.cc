#include "tool_repairs.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "../tools/grammar/pattern_text.h"

namespace llama::internal {
namespace {

constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// How a call stands in a message: as the format's pattern has it where that writes JSON, else as Hermes does.
std::string written_call(const CallPattern* pattern, std::string_view name, std::string_view arguments) {
  if (pattern != nullptr && pattern->parameter.empty()) {
    return pattern_text(std::string(pattern->opener) + std::string(pattern->call) + std::string(pattern->closer), name,
                        arguments);
  }
  return std::format("<tool_call>\n{{\"name\": \"{}\", \"arguments\": {}}}\n</tool_call>", name, arguments);
}

std::string description_of(std::string_view tools, const CallPattern* pattern) {
  std::string text = "You may call functions. Their definitions, one JSON object a line:\n<tools>\n";
  const auto list = nlohmann::ordered_json::parse(tools, nullptr, false);
  for (const auto& tool : list) {
    text += tool.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  return text + "</tools>\nTo call one, write its name and its arguments like this, and nothing after them:\n" +
         written_call(pattern, "FUNCTION", "{\"PARAMETER\": VALUE}") +
         "\nThe result comes with the next message. Call a function only where it helps to answer.";
}

void describe_tools(std::vector<Message>& messages, std::string_view tools, const CallPattern* pattern) {
  const std::string description = description_of(tools, pattern);
  if (!messages.empty() && messages.front().role == MessageRole::System) {
    messages.front().content += (messages.front().content.empty() ? "" : "\n\n") + description;
  } else {
    messages.insert(messages.begin(), Message{.role = MessageRole::System, .content = description});
  }
}

void write_calls(Message& message, const CallPattern* pattern) {
  for (const auto& call : std::exchange(message.tool_calls, {})) {
    message.content += (message.content.empty() ? "" : "\n") +
                       written_call(pattern, call.name, call.arguments.empty() ? "{}" : call.arguments);
  }
}

// Results that follow one another become one user's turn: many templates want the roles to take turns.
void write_results(std::vector<Message>& messages) {
  std::vector<Message> written;
  bool goes_on = false;  // the last message is made of results
  for (auto& message : messages) {
    if (message.role != MessageRole::Tool) {
      // A question behind results is a part of the same turn.
      if (goes_on && message.role == MessageRole::User) {
        written.back().content += "\n" + message.content;
      } else {
        written.push_back(std::move(message));
      }
      goes_on = false;
      continue;
    }
    const std::string text = "<tool_response>\n" + message.content + "\n</tool_response>";
    if (goes_on) {
      written.back().content += "\n" + text;
    } else {
      written.push_back({.role = MessageRole::User, .content = text, .timestamp = message.timestamp});
      goes_on = true;
    }
  }
  messages = std::move(written);
}

// The results behind a message that calls, up to the next one of another role.
std::vector<Message> with_one_call_each(std::span<const Message> messages) {
  std::vector<Message> apart;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (message.tool_calls.size() < 2) {
      apart.push_back(message);
      continue;
    }
    std::vector<Message> results;
    while (i + 1 < messages.size() && messages[i + 1].role == MessageRole::Tool) results.push_back(messages[++i]);
    for (std::size_t k = 0; k < message.tool_calls.size(); ++k) {
      Message one = message;
      one.tool_calls = {message.tool_calls[k]};
      if (k > 0) one.content.clear(), one.thinking.clear();
      apart.push_back(std::move(one));
      const auto its = std::ranges::find(results, std::optional(message.tool_calls[k].id), &Message::tool_call_id);
      if (its == results.end()) continue;
      apart.push_back(std::move(*its));
      results.erase(its);
    }
    std::ranges::move(results, std::back_inserter(apart));
  }
  return apart;
}

}  // namespace

// FNV-1a, and then nine digits of base 62: what matters is that the same id gives the same letters.
std::string id_of_nine(std::string_view id) {
  const auto is_letter = [](char c) { return kLetters.contains(c); };
  if (id.size() == 9 && std::ranges::all_of(id, is_letter)) return std::string(id);
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  std::string nine;
  for (int i = 0; i < 9; ++i, hash /= kLetters.size()) nine += kLetters[hash % kLetters.size()];
  return nine;
}

std::vector<Message> with_tools_repaired(std::span<const Message> messages, std::string_view tools,
                                         const ToolCapabilities& can, const CallPattern* pattern) {
  std::vector<Message> all = can.calls && !can.several_calls ? with_one_call_each(messages)
                                                             : std::vector<Message>(messages.begin(), messages.end());
  if (can.ids_of_nine) {
    for (auto& message : all) {
      for (auto& call : message.tool_calls) call.id = id_of_nine(call.id);
      if (message.tool_call_id) message.tool_call_id = id_of_nine(*message.tool_call_id);
    }
  }
  if (!can.calls) {
    for (auto& message : all) write_calls(message, pattern);
  }
  if (!can.results) write_results(all);
  if (!can.tools && !tools.empty()) describe_tools(all, tools, pattern);
  return all;
}

}  // namespace llama::internal
