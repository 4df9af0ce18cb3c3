// Whatever a server sends and whatever stands in a config file: a value or an error, and never a crash.
//
// The first byte says which: 'c' a config, 'l' a stream of lines in pieces, all else one message of a server's.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/variables.h"
#include "llama-mcp/mcp_content.h"
#include "llama-mcp/mcp_server_config.h"
#include "protocol/json_rpc.h"
#include "protocol/mcp_json.h"
#include "protocol/one_line.h"
#include "protocol/server_values.h"
#include "stdio/line_splitter.h"

namespace {

using namespace llama;
using namespace llama::internal;

void try_message(std::string_view text) {
  auto json = parse_mcp_json(text);
  if (!json) return;
  const RpcMessage message = read_rpc(*json);
  (void)rpc_result(message.id, message.result);
  (void)one_line(message.error_message);
  for (const nlohmann::ordered_json* each :
       {static_cast<const nlohmann::ordered_json*>(&*json), &message.params, &message.result}) {
    (void)read_tool(*each);
    (void)read_prompt(*each);
    (void)read_resource(*each);
    (void)text_of(read_tool_result(*each));
  }
}

void try_lines(std::string_view text) {
  const std::size_t piece = text.empty() ? 1 : 1 + static_cast<unsigned char>(text.front()) % 16;
  LineSplitter splitter(32, {.line = try_message, .too_long = [](std::string_view head, std::string_view tail) {
                               (void)id_of_skipped(head, tail);
                             }});
  for (std::size_t at = 0; at < text.size(); at += piece) splitter.push(text.substr(at, piece));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with('c')) {
    text.remove_prefix(1);
    (void)parse_mcp_config(
        text, [](const std::string& name) { return name == "A" ? std::optional<std::string>("a") : std::nullopt; });
    (void)parse_env_file(text);
  } else if (text.starts_with('l')) {
    try_lines(text.substr(1));
  } else {
    try_message(text);
  }
  return 0;
}
