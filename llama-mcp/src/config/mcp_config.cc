#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/config_json.h"
#include "config/server_reader.h"
#include "llama-base/whole_file.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama {
namespace {

using ConfigJson = nlohmann::ordered_json;
using internal::ServerReader;

constexpr std::size_t kMaxConfigBytes = std::size_t{4} << 20;

// "a, b and 3 more".
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += std::format("{}'{}'", i > 0 ? ", " : "", names[i]);
  return names.size() <= kShown ? text : std::format("{} and {} more", text, names.size() - kShown);
}

// Names may have any letters in files; here they stand before a tool's name.
std::string usable_name(const std::string& name) {
  std::string usable;
  for (const char c : name) {
    const bool is_kept =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    usable += is_kept ? c : '_';
  }
  return usable.substr(0, 64);
}

}  // namespace

Result<McpConfig> parse_mcp_config(std::string_view text, const McpVariables& variables, const std::stop_token& stop) {
  auto root = internal::parse_config_json(text);
  if (!root) return std::unexpected(std::move(root.error()));
  if (!root->is_object()) return fail(ErrorCode::InvalidArgument, "it is no JSON object");
  McpConfig config;
  std::vector<const ConfigJson*> lists;
  std::vector<std::string> unknown;  // settings of the program whose file it is
  for (const auto& [key, value] : root->items()) {
    if (key == "mcpServers" || key == "servers")
      lists.push_back(&value);
    else if (key == "mcp" && value.is_object() && value.contains("servers"))
      lists.push_back(&value["servers"]);
    else if (key != "inputs" && key != "$schema")
      unknown.push_back(key);
  }
  if (!unknown.empty()) {
    config.remarks.push_back(std::format("unknown key{} {}", unknown.size() > 1 ? "s" : "", some_of(unknown)));
  }
  if (lists.empty()) return fail(ErrorCode::InvalidArgument, R"(it has neither "mcpServers" nor "servers")");
  for (const auto* list : lists) {
    if (!list->is_object()) return fail(ErrorCode::InvalidArgument, "its servers are no object of names");
    for (const auto& [name, value] : list->items()) {
      const std::string usable = usable_name(name);
      if (usable != name) config.remarks.push_back(std::format("server '{}' is called '{}' here", name, usable));
      ServerReader reader(usable, variables, stop);
      reader.read(value, config.remarks);
      auto server = reader.finish();
      if (!server) return std::unexpected(std::move(server.error()));
      const auto is_same = [&](const McpServerConfig& other) { return other.name == usable; };
      if (std::ranges::any_of(config.servers, is_same)) {
        return fail(ErrorCode::InvalidArgument, std::format("two servers are called '{}'", usable));
      }
      config.servers.push_back(std::move(*server));
    }
  }
  if (config.servers.empty()) return fail(ErrorCode::InvalidArgument, "it has no servers");
  return config;
}

Result<McpConfig> read_mcp_config(const std::filesystem::path& file, const McpVariables& variables,
                                  const std::stop_token& stop) {
  const auto text = internal::read_whole_file(file, kMaxConfigBytes, stop);
  if (!text) return fail(text.error().code, std::format("{}: {}", file.string(), text.error().message));
  auto config = parse_mcp_config(*text, variables, stop);
  if (!config) config.error().message = std::format("{}: {}", file.string(), config.error().message);
  return config;
}

}  // namespace llama
