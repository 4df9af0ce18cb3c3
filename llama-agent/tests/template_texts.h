// What a template that a test writes down makes of a question, or what it is refused for.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "llama-agent/chat_template.h"

namespace llama {

inline std::vector<Message> question(std::string text) { return {{.content = std::move(text)}}; }

inline std::string failure_of(std::string source) {
  const auto parsed = ChatTemplate::parse({.source = std::move(source)});
  return parsed ? "" : parsed.error().message;
}

inline std::string text_of(std::string source) {
  const auto parsed = ChatTemplate::parse({.source = std::move(source)});
  if (!parsed) return parsed.error().message;
  const auto pieces = parsed->render(question("hello"), {});
  return pieces ? joined(*pieces) : pieces.error().message;
}

}  // namespace llama
