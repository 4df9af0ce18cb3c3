// What a server of the Model Context Protocol offers and answers, as values. JSON stays text.
//
// All of it comes from outside: nothing here may be trusted, names and descriptions included.
// Source   modelcontextprotocol.io/specification, revisions 2024-11-05 to 2026-07-28, "Server features".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

// Hints. What a server does not say has the protocol's defaults: it may write, destroy and reach out, and to do it
// twice is not the same as once.
struct McpToolAnnotations {
  std::string title{};
  std::optional<bool> read_only{}, destructive{}, idempotent{}, open_world{};
};

struct McpTool {
  std::string name{}, title{}, description{};
  std::string input_schema{R"({"type":"object"})"};  // JSON Schema
  std::string output_schema{};                       // JSON Schema; "": none
  McpToolAnnotations annotations{};
};

struct McpContent {
  enum class Kind { Text, Image, Audio, ResourceLink, Resource, Unknown };
  Kind kind = Kind::Text;
  std::string text{};  // of Text, and of a Resource that is text
  std::string data{};  // of the others: base64, as it came
  std::string mime_type{};
  std::string uri{};   // of a resource
  std::string name{};  // of a resource link; of Unknown what the server calls its kind
};

struct McpToolResult {
  std::vector<McpContent> content{};
  std::string structured_content{};  // JSON: an object until 2025-11-25, since then any value; "": none
  bool is_error = false;             // the tool failed: its text says why, and is for the model
};

// What a model may read of a result: the texts one below the other; the structured content where there is no text; of
// what is no text a line that names it ("[image, image/png, 12,345 bytes]").
[[nodiscard]] std::string text_of(const McpToolResult& result);

struct McpPromptArgument {
  std::string name{}, description{};
  bool is_required = false;
};

struct McpPrompt {
  std::string name{}, title{}, description{};
  std::vector<McpPromptArgument> arguments{};
};

struct McpPromptMessage {
  std::string role{};  // "user", "assistant"
  McpContent content{};
};

struct McpResource {
  std::string uri{}, name{}, title{}, description{}, mime_type{};
  std::optional<std::int64_t> size_bytes{};
};

struct McpServerInfo {
  std::string name{}, version{}, title{};
  std::string revision{};      // of the protocol that is spoken: "2025-11-25"
  std::string instructions{};  // for the model
  bool has_tools = false, has_prompts = false, has_resources = false;
};

}  // namespace llama
