#include "protocol/server_values.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxNameBytes = 256;

// "12,345": of what base64 of so many characters holds.
std::string decoded_bytes(std::string_view base64) {
  const auto padding =
      std::min<std::size_t>(2, base64.size() - std::min(base64.size(), base64.find_last_not_of('=') + 1));
  std::string digits = std::to_string(base64.size() / 4 * 3 - std::min(base64.size() / 4 * 3, padding));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string line_of(const McpContent& content) {
  using Kind = McpContent::Kind;
  std::string line = "[";
  const auto add = [&](const std::string& part) {
    if (!part.empty()) line += (line.size() > 1 ? ", " : "") + part;
  };
  switch (content.kind) {
    case Kind::Image:
      add("image");
      break;
    case Kind::Audio:
      add("audio");
      break;
    case Kind::ResourceLink:
      add("link to a resource");
      add(content.name);
      break;
    case Kind::Resource:
      add("resource");
      break;
    case Kind::Text:
    case Kind::Unknown:
      add("content of an unknown kind");
      add(content.name);
  }
  add(content.uri);
  add(content.mime_type);
  if (!content.data.empty()) add(decoded_bytes(content.data) + " bytes");
  return line + "]";
}

}  // namespace

bool is_usable_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<McpTool> read_tool(const nlohmann::ordered_json& value) {
  McpTool tool{.name = text_member(value, "name"),
               .title = text_member(value, "title"),
               .description = text_member(value, "description")};
  if (!is_usable_name(tool.name)) return {};
  if (const auto& schema = member(value, "inputSchema"); schema.is_object()) tool.input_schema = to_text(schema);
  if (const auto& schema = member(value, "outputSchema"); schema.is_object()) tool.output_schema = to_text(schema);
  const auto& hints = object_member(value, "annotations");
  tool.annotations = {.title = text_member(hints, "title"),
                      .read_only = bool_member(hints, "readOnlyHint"),
                      .destructive = bool_member(hints, "destructiveHint"),
                      .idempotent = bool_member(hints, "idempotentHint"),
                      .open_world = bool_member(hints, "openWorldHint")};
  return tool;
}

std::optional<McpPrompt> read_prompt(const nlohmann::ordered_json& value) {
  McpPrompt prompt{.name = text_member(value, "name"),
                   .title = text_member(value, "title"),
                   .description = text_member(value, "description")};
  if (!is_usable_name(prompt.name)) return {};
  for (const auto& each : array_member(value, "arguments")) {
    McpPromptArgument argument{.name = text_member(each, "name"),
                               .description = text_member(each, "description"),
                               .is_required = bool_member(each, "required").value_or(false)};
    if (is_usable_name(argument.name)) prompt.arguments.push_back(std::move(argument));
  }
  return prompt;
}

std::optional<McpResource> read_resource(const nlohmann::ordered_json& value) {
  McpResource resource{.uri = text_member(value, "uri"),
                       .name = text_member(value, "name"),
                       .title = text_member(value, "title"),
                       .description = text_member(value, "description"),
                       .mime_type = text_member(value, "mimeType"),
                       .size_bytes = integer_member(value, "size")};
  if (resource.uri.empty()) return {};
  return resource;
}

McpContent read_resource_contents(const nlohmann::ordered_json& contents) {
  return {.kind = McpContent::Kind::Resource,
          .text = text_member(contents, "text"),
          .data = text_member(contents, "blob"),
          .mime_type = text_member(contents, "mimeType"),
          .uri = text_member(contents, "uri")};
}

McpContent read_content(const nlohmann::ordered_json& block) {
  using Kind = McpContent::Kind;
  const std::string type = text_member(block, "type");
  if (type == "text") return {.kind = Kind::Text, .text = text_member(block, "text")};
  if (type == "image" || type == "audio") {
    return {.kind = type == "image" ? Kind::Image : Kind::Audio,
            .data = text_member(block, "data"),
            .mime_type = text_member(block, "mimeType")};
  }
  if (type == "resource") return read_resource_contents(object_member(block, "resource"));
  if (type == "resource_link") {
    return {.kind = Kind::ResourceLink,
            .mime_type = text_member(block, "mimeType"),
            .uri = text_member(block, "uri"),
            .name = text_member(block, "name")};
  }
  return {.kind = Kind::Unknown, .name = type};
}

McpToolResult read_tool_result(const nlohmann::ordered_json& result) {
  McpToolResult read;
  for (const auto& block : array_member(result, "content")) read.content.push_back(read_content(block));
  // An object until 2025-11-25, any value since 2026-07-28.
  if (const auto& structured = member(result, "structuredContent"); !structured.is_null()) {
    read.structured_content = to_text(structured);
  }
  read.is_error = bool_member(result, "isError").value_or(false);
  return read;
}

}  // namespace llama::internal

namespace llama {

std::string text_of(const McpToolResult& result) {
  std::string text;
  bool has_text = false;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "\n") + part; };
  for (const auto& content : result.content) {
    const bool is_text = content.kind == McpContent::Kind::Text ||
                         (content.kind == McpContent::Kind::Resource && content.data.empty() && !content.text.empty());
    has_text = has_text || (is_text && !content.text.empty());
    if (!is_text)
      add(internal::line_of(content));
    else if (!content.text.empty())
      add(content.text);
  }
  // Servers repeat their structured content as text, for clients that know no better: it is not shown twice.
  if (!has_text && !result.structured_content.empty()) add(result.structured_content);
  return text;
}

}  // namespace llama
