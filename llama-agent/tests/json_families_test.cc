// The families whose calls are JSON, each with what its models write (json_families.h).
#include "json_families.h"

#include <gtest/gtest.h>

namespace llama::internal {
namespace {

using test::all_families;
using test::Family;
using test::Golden;

ReplyFormatOptions options_of(const Family& family, const Golden& golden) {
  ReplyFormatOptions options = test::options_of(golden);
  options.thinking_opener = family.thinking_opener;
  options.thinking_closer = family.thinking_closer;
  return options;
}

std::vector<std::string> in_two(const std::string& text, std::size_t at) {
  return {text.substr(0, at), text.substr(at)};
}

TEST(JsonFamilies, TellTheSameEventsForAnySplit) {
  std::mt19937 random(26);
  for (const auto& family : all_families()) {
    const ReplyFormatKind& kind = reply_format_named(family.format);
    ASSERT_EQ(kind.name, family.format);
    for (const auto& golden : family.conversations) {
      SCOPED_TRACE(family.format + ": " + golden.name);
      const auto options = options_of(family, golden);
      EXPECT_EQ(test::parse(kind, options, {golden.reply}, golden.end), golden.lines);
      for (std::size_t at = 1; at < golden.reply.size(); ++at) {
        ASSERT_EQ(test::parse(kind, options, in_two(golden.reply, at), golden.end), golden.lines) << at;
      }
      for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(test::parse(kind, options, test::split_at_random(golden.reply, random), golden.end), golden.lines);
      }
    }
  }
}

// What was told at any byte is the beginning of what is told in the end.
TEST(JsonFamilies, NeverTakeBackWhatTheyTold) {
  for (const auto& family : all_families()) {
    for (const auto& golden : family.conversations) {
      SCOPED_TRACE(family.format + ": " + golden.name);
      const auto format = reply_format_named(family.format).make(options_of(family, golden));
      ReplyEvents events;
      std::string before;
      for (const char c : golden.reply) {
        format->push({.text = std::string_view(&c, 1)}, events);
        std::string now;
        for (const auto& line : test::lines_of(events)) now += line;
        ASSERT_TRUE(now.starts_with(before));
        before = now;
      }
    }
  }
}

// A reply that the limit cuts anywhere never has a call that is complete and has other arguments than the whole one.
TEST(JsonFamilies, NeverCompleteACallThatWasCut) {
  for (const auto& family : all_families()) {
    for (const auto& golden : family.conversations) {
      SCOPED_TRACE(family.format + ": " + golden.name);
      const ReplyFormatKind& kind = reply_format_named(family.format);
      for (std::size_t at = 0; at < golden.reply.size(); ++at) {
        const auto lines = test::parse(kind, options_of(family, golden), {golden.reply.substr(0, at)}, ReplyEnd::Cut);
        for (std::size_t i = 0; i < lines.size(); ++i) {
          if (!lines[i].starts_with("end ")) continue;
          ASSERT_LE(i, golden.lines.size());
          ASSERT_EQ(lines[i - 1], golden.lines[i - 1]) << at;
        }
      }
    }
  }
}

// A model that writes nothing but white space must not keep the others waiting: each byte is looked at once.
TEST(JsonFamilies, ReadAnyAmountOfWhiteSpace) {
  const std::string blanks = " \n" + std::string(64 * 1024, ' ');
  const std::string call = R"(<tool_call>{"name": "look", "arguments": {"at": "sky"}}</tool_call>)";
  std::vector<std::string> bytes;
  for (const auto& reply : {blanks + "x", "x" + blanks, "x" + blanks + "y" + blanks + call + blanks + "z"}) {
    bytes.clear();
    for (const char c : reply) bytes.emplace_back(1, c);
    for (const char* format : {"hermes", "llama3", "granite3", "generic"}) {
      const ReplyFormatKind& kind = reply_format_named(format);
      ASSERT_EQ(kind.name, format);
      const ReplyFormatOptions options{.tools = {"look"}};
      EXPECT_EQ(test::parse(kind, options, bytes, ReplyEnd::Whole),
                test::parse(kind, options, {reply}, ReplyEnd::Whole))
          << format;
    }
  }
}

TEST(JsonFamilies, EndAReplyWithACallOfHarmony) {
  const auto format = reply_format_named("harmony").make({.tools = {"look"}});
  ReplyEvents events;
  format->push({.text = "<|channel|>analysis<|message|>Hm"}, events);
  EXPECT_TRUE(format->is_thinking());
  format->push({.text = "<|end|><|start|>assistant<|channel|>commentary to=functions.look<|message|>{}"}, events);
  EXPECT_FALSE(format->is_over());
  format->push({.text = "<|call|>"}, events);
  EXPECT_TRUE(format->is_over());
}

}  // namespace
}  // namespace llama::internal
