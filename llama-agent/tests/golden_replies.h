// Golden conversations of a reply format: what a model wrote, and the events that it is, one line each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <format>
#include <random>
#include <string>
#include <vector>

#include "../src/reply/reply_format.h"

namespace llama::internal::test {

// Events as one line each; those that go on with one another are one.
inline std::vector<std::string> lines_of(const ReplyEvents& events) {
  std::vector<std::string> lines;
  std::string kind;
  const auto add = [&](const std::string& of, const std::string& text) {
    if (kind == of && !lines.empty()) {
      lines.back() += text;
    } else {
      lines.push_back(of + text);
    }
    kind = of;
  };
  for (const auto& event : events) {
    if (const auto* text = std::get_if<TextEvent>(&event)) add("text: ", text->text);
    if (const auto* thought = std::get_if<ThinkingEvent>(&event)) add("thinking: ", thought->text);
    if (const auto* more = std::get_if<ToolCallArguments>(&event))
      add(std::format("arguments {}: ", more->call), more->json);
    if (const auto* begun = std::get_if<ToolCallBegun>(&event)) {
      kind.clear();
      lines.push_back(
          std::format("call {}: {}{}", begun->call, begun->name, begun->id.empty() ? "" : " as " + begun->id));
    }
    if (const auto* ended = std::get_if<ToolCallEnded>(&event)) {
      kind.clear();
      lines.push_back(std::format("{} {}", ended->is_complete ? "end" : "unfinished", ended->call));
    }
  }
  return lines;
}

inline std::vector<std::string> parse(const ReplyFormatKind& kind, const ReplyFormatOptions& options,
                                      const std::vector<std::string>& pieces, ReplyEnd end) {
  const auto format = kind.make(options);
  ReplyEvents events;
  for (const auto& piece : pieces) format->push({.text = piece}, events);
  format->finish(end, events);
  return lines_of(events);
}

struct Golden {
  std::string name, reply;
  std::vector<std::string> lines;
  ReplyEnd end = ReplyEnd::Whole;
  bool thinking_is_open = false;
};

inline std::vector<std::string> split_at_random(const std::string& text, std::mt19937& random) {
  std::vector<std::string> pieces;
  const std::size_t longest = 1 + random() % 12;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.size(), at + 1 + random() % longest);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
  return pieces;
}

inline ReplyFormatOptions options_of(const Golden& golden) {
  return {.thinking_opener = "<think>",
          .thinking_closer = "</think>",
          .thinking_is_open = golden.thinking_is_open,
          .tools = {"look", "get_weather"}};
}

// Whole, and in any pieces, a reply tells its lines.
inline void expect_lines_for_any_split(const ReplyFormatKind& kind, const std::vector<Golden>& conversations) {
  std::mt19937 random(22);
  for (const auto& golden : conversations) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(parse(kind, options_of(golden), {golden.reply}, golden.end), golden.lines);
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(parse(kind, options_of(golden), split_at_random(golden.reply, random), golden.end), golden.lines);
    }
  }
}

// Whatever was told before stays: the events of a reply's beginning are the beginning of its events.
inline void expect_nothing_is_taken_back(const ReplyFormatKind& kind, const std::vector<Golden>& conversations) {
  for (const auto& golden : conversations) {
    SCOPED_TRACE(golden.name);
    const auto format = kind.make(options_of(golden));
    ReplyEvents events;
    std::string before;
    for (const char c : golden.reply) {
      format->push({.text = std::string_view(&c, 1)}, events);
      std::string now;
      for (const auto& line : lines_of(events)) now += line;
      EXPECT_TRUE(now.starts_with(before));
      before = now;
    }
  }
}

}  // namespace llama::internal::test
