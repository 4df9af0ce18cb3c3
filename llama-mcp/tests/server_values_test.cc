#include "protocol/server_values.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "llama-base/json_shape.h"
#include "protocol/mcp_json.h"
#include "stdio/line_splitter.h"

namespace llama::internal {
namespace {

using json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::Pair;
using Kind = McpContent::Kind;

TEST(ServerValues, ReadsATool) {
  auto tool = read_tool(json::parse(R"({"name":"a","title":"A","description":"d","inputSchema":{"type":"object","x":1},
    "outputSchema":{"type":"object"},"annotations":{"title":"T","readOnlyHint":true,"destructiveHint":"yes"}})"));
  ASSERT_TRUE(tool);
  EXPECT_EQ(tool->input_schema, R"({"type":"object","x":1})");
  EXPECT_EQ(tool->output_schema, R"({"type":"object"})");
  EXPECT_EQ(tool->annotations.title, "T");
  EXPECT_EQ(tool->annotations.read_only, true);
  EXPECT_FALSE(tool->annotations.destructive);  // a text is no answer
  EXPECT_EQ(read_tool(json::parse(R"({"name":"a"})"))->input_schema, R"({"type":"object"})");
}

TEST(ServerValues, LeavesOutWhatHasNoUsableName) {
  for (const char* value : {"1", "{}", R"({"name":1})", R"({"name":""})", R"({"name":"a\nb"})"})
    EXPECT_FALSE(read_tool(json::parse(value))) << value;
  EXPECT_FALSE(read_tool({{"name", std::string(300, 'a')}}));
  EXPECT_FALSE(read_prompt(json::parse("[]")));
  EXPECT_FALSE(read_resource(json::parse(R"({"name":"a"})")));
}

TEST(ServerValues, ReadsEveryKindOfContent) {
  const auto result = read_tool_result(json::parse(R"({"content":[
    {"type":"text","text":"one"},
    {"type":"image","data":"AAAA","mimeType":"image/png"},
    {"type":"audio","data":"AAA=","mimeType":"audio/wav"},
    {"type":"resource","resource":{"uri":"file:///a","text":"inside"}},
    {"type":"resource","resource":{"uri":"file:///b","mimeType":"a/b","blob":"AA=="}},
    {"type":"resource_link","uri":"file:///c","name":"c"},
    {"type":"hologram"}, 7],
    "structuredContent":{"n":1},"isError":true})"));
  ASSERT_EQ(result.content.size(), 8U);
  EXPECT_EQ(result.content[3].kind, Kind::Resource);
  EXPECT_EQ(result.content[5].kind, Kind::ResourceLink);
  EXPECT_EQ(result.content[6].kind, Kind::Unknown);
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.structured_content, R"({"n":1})");
  EXPECT_EQ(
      text_of(result),
      "one\n[image, image/png, 3 bytes]\n[audio, audio/wav, 2 bytes]\ninside\n[resource, file:///b, a/b, 1 bytes]\n"
      "[link to a resource, c, file:///c]\n[content of an unknown kind, hologram]\n[content of an unknown kind]");
}

TEST(ServerValues, ShowsStructuredContentWhereThereIsNoText) {
  EXPECT_EQ(text_of(read_tool_result(json::parse(R"({"structuredContent":{"n":1}})"))), R"({"n":1})");
  EXPECT_EQ(
      text_of(read_tool_result(json::parse(R"({"content":[{"type":"text","text":"t"}],"structuredContent":{"n":1}})"))),
      "t");
  EXPECT_EQ(text_of(read_tool_result(json::parse(R"({"content":3})"))), "");
  const std::string big(12'345 / 3 * 4, 'A');
  EXPECT_EQ(text_of({.content = {{.kind = Kind::Image, .data = big, .mime_type = "image/png"}}}),
            "[image, image/png, 12,345 bytes]");
}

TEST(McpJson, MeasuresDepthOutsideOfTexts) {
  EXPECT_EQ(json_depth(R"({"a":[1,{"b":"[[[[\"[["}]})"), 3);
  EXPECT_FALSE(parse_mcp_json(std::string(1'000, '[') + std::string(1'000, ']')));
  EXPECT_TRUE(parse_mcp_json(std::string(100, '[') + std::string(100, ']')));
}

TEST(LineSplitter, GivesTheSameLinesForAnyPieces) {
  const std::string text = "one\r\ntwo\n\n" + std::string(50, 'x') + "\nafter\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<std::string> lines;
    std::vector<std::pair<std::string, std::string>> skipped;
    LineSplitter splitter(20, {.line = [&](std::string_view line) { lines.emplace_back(line); },
                               .too_long =
                                   [&](std::string_view head, std::string_view tail) {
                                     skipped.emplace_back(head.substr(0, 3), tail.substr(tail.size() - 3));
                                   }});
    for (std::size_t at = 0; at < text.size(); at += piece) splitter.push(std::string_view(text).substr(at, piece));
    EXPECT_THAT(lines, ElementsAre("one", "two", "", "after")) << piece;
    EXPECT_THAT(skipped, ElementsAre(Pair("xxx", "xxx"))) << piece;
    EXPECT_EQ(splitter.rest(), "rest");
  }
}

TEST(LineSplitter, FindsTheNumberOfWhatItSkipped) {
  const std::tuple<const char*, const char*, std::optional<std::string>> kRows[] = {
      {R"({"jsonrpc":"2.0","id":7,"result":{"a":"xxx)", "xxx", "7"},
      {R"({ "jsonrpc": "2.0", "id": 7, "result")", "xxx", "7"},
      {R"({"id":7,"result")", "xxx", "7"},
      {R"({"result":{"id":3)", R"(xxx"},"jsonrpc":"2.0","id":12})", "12"},
      {R"({"result":{"a":3)", R"(xxx"},"id":12,"jsonrpc":"2.0"})", "12"},
      {R"({"result":{"id":3)", R"(xxx","id":12}})", {}},
      {R"({"jsonrpc":"2.0","method":"x","params":")", "xxx", {}},
      {R"({"jsonrpc":"2.0","id":"seven","result")", "xxx", {}},
      {"", "", {}},
  };
  for (const auto& [head, tail, id] : kRows) EXPECT_EQ(id_of_skipped(head, tail), id) << head << " … " << tail;
}

}  // namespace
}  // namespace llama::internal
