// What goes into HTTP headers: what the outermost object of a message says, and values as they may be sent.
#include <gtest/gtest.h>

#include <format>

#include "http/message_head.h"
#include "http/parameter_headers.h"

namespace llama::internal {
namespace {

TEST(MessageHead, LooksAtTheOutermostObjectOnly) {
  const auto answer = read_message_head(R"({"result":{"id":1,"method":"x"},"id":7})");
  EXPECT_TRUE(answer.is_answer && answer.has_id);
  EXPECT_EQ(answer.id, "7");
  EXPECT_FALSE(read_message_head(R"({"id":7,"method":"x","result":1})").is_answer);
  EXPECT_EQ(read_message_head(R"({"id":"7","error":{}})").id, "\"7\"");
  EXPECT_FALSE(read_message_head(R"({"id":null,"error":{}})").has_id);
  EXPECT_FALSE(read_message_head("[1]").is_object);
  EXPECT_FALSE(read_message_head(std::string(200'000, '[')).is_object);
}

TEST(HeaderValue, EncodesWhatHttpWouldChange) {
  // Source: specification 2026-07-28, "Value encoding"; base64 as coreutils' base64 gives it.
  EXPECT_EQ(header_value("us west 1"), "us west 1");
  EXPECT_EQ(header_value(" padded "), "=?base64?IHBhZGRlZCA=?=");
  EXPECT_EQ(header_value("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
  EXPECT_EQ(header_value(""), "=?base64?\?=");
  EXPECT_EQ(header_value("=?base64?x?="), "=?base64?PT9iYXNlNjQ/eD89?=");
  EXPECT_EQ(header_value("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
}

TEST(ParameterHeaders, RefusesWhatCannotBeSent) {
  for (const char* property :
       {R"("a":{"type":"string","x-mcp-header":""})", R"("a":{"type":"object","x-mcp-header":"A"})",
        R"("a":{"x-mcp-header":"A"})", R"("a":{"type":"string","x-mcp-header":"A B"})",
        R"("a":{"type":"string","x-mcp-header":"A:B"})", R"("a":{"type":"string","x-mcp-header":"Région"})",
        R"("a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"})",
        R"("a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}})",
        R"("a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]})"}) {
    EXPECT_FALSE(parameter_headers_of(std::format(R"({{"type":"object","properties":{{{}}}}})", property))) << property;
  }
  EXPECT_FALSE(parameter_headers_of(R"({"type":"string","x-mcp-header":"A"})"));
  EXPECT_EQ(
      parameter_headers_of(R"({"properties":{"x-mcp-header":{"type":"string","default":{"x-mcp-header":1}}}})")->size(),
      0U);
}

}  // namespace
}  // namespace llama::internal
