#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "config/config_json.h"
#include "config/variables.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama {
namespace {

using ConfigJson = nlohmann::ordered_json;
using internal::with_variables;

constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{4} << 20;

// Takes the keys of one server, one after the other. A fault is kept, and the first one is told.
class ServerReader {
 public:
  ServerReader(std::string name, const McpVariables& variables) : variables_(variables) {
    config_.name = std::move(name);
  }

  void read(const ConfigJson& server, std::vector<std::string>& remarks);
  [[nodiscard]] Result<McpServerConfig> finish();

 private:
  void take(const std::string& key, const ConfigJson& value, std::vector<std::string>& remarks);
  void take_command(const ConfigJson& value);
  void take_type(const ConfigJson& value);
  void take_era(const ConfigJson& value);
  void take_env_file();
  [[nodiscard]] std::string text(const std::string& key, const ConfigJson& value);
  [[nodiscard]] std::vector<std::string> texts(const std::string& key, const ConfigJson& value);
  [[nodiscard]] std::map<std::string, std::string> pairs(const std::string& key, const ConfigJson& value);
  [[nodiscard]] std::chrono::milliseconds time(const std::string& key, const ConfigJson& value, double unit);
  void wrong(const std::string& what) {
    if (!fault_) fault_ = Error{ErrorCode::InvalidArgument, std::format("server '{}': {}", config_.name, what)};
  }

  const McpVariables& variables_;
  McpServerConfig config_;
  std::string type_, env_file_;
  std::optional<Error> fault_;
};

std::string plain_text(const ConfigJson& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

std::string ServerReader::text(const std::string& key, const ConfigJson& value) {
  if (!value.is_string() && !value.is_number() && !value.is_boolean()) {
    wrong(std::format("'{}' is no text", key));
    return {};
  }
  auto made = with_variables(plain_text(value), variables_);
  if (made) return *made;
  wrong(std::format("'{}': {}", key, made.error().message));
  return {};
}

std::vector<std::string> ServerReader::texts(const std::string& key, const ConfigJson& value) {
  std::vector<std::string> all;
  if (!value.is_array())
    wrong(std::format("'{}' is no list of texts", key));
  else
    for (const auto& each : value) all.push_back(text(key, each));
  return all;
}

std::map<std::string, std::string> ServerReader::pairs(const std::string& key, const ConfigJson& value) {
  std::map<std::string, std::string> all;
  if (!value.is_object()) {
    wrong(std::format("'{}' is no object of texts", key));
    return all;
  }
  for (const auto& [name, each] : value.items()) {
    if (!each.is_null()) all[name] = text(std::format("{}.{}", key, name), each);
  }
  return all;
}

std::chrono::milliseconds ServerReader::time(const std::string& key, const ConfigJson& value, double unit) {
  const double number = value.is_number() ? value.get<double>() : 0;
  if (!(number > 0) || number * unit > 1e10) {
    wrong(std::format("'{}' is no time", key));
    return std::chrono::milliseconds(1);
  }
  return std::chrono::milliseconds(std::max(1LL, std::llround(number * unit)));
}

void ServerReader::take_command(const ConfigJson& value) {
  if (!value.is_array()) {
    config_.command = text("command", value);
    return;
  }
  auto all = texts("command", value);
  if (all.empty()) return wrong("'command' is empty");
  config_.command = all.front();
  config_.args.insert(config_.args.begin(), all.begin() + 1, all.end());
}

void ServerReader::take_type(const ConfigJson& value) {
  type_ = text("type", value);
  if (type_ == "sse") {
    return wrong(
        "type 'sse' is the transport of 2024-11-05, which Streamable HTTP has replaced: ask its makers for that "
        "address (it often ends with /mcp) and write \"type\": \"http\"");
  }
  constexpr std::array<std::string_view, 7> kTypes = {"stdio",           "http",  "streamable-http", "streamableHttp",
                                                      "streamable_http", "local", "remote"};
  if (!std::ranges::contains(kTypes, type_)) wrong(std::format("type '{}' is neither 'stdio' nor 'http'", type_));
}

void ServerReader::take_era(const ConfigJson& value) {
  const std::string era = text("era", value);
  if (era == "older")
    config_.era = McpEra::Older;
  else if (era == "modern")
    config_.era = McpEra::Modern;
  else
    wrong(std::format("era '{}' is neither 'older' nor 'modern'", era));
}

void ServerReader::take(const std::string& key, const ConfigJson& value, std::vector<std::string>& remarks) {
  if (key == "command") return take_command(value);
  if (key == "type" || key == "transport" || key == "transportType") return take_type(value);
  if (key == "era") return take_era(value);
  if (key == "args") {
    for (auto& each : texts(key, value)) config_.args.push_back(std::move(each));
  } else if (key == "env" || key == "environment") {
    for (auto& [name, each] : pairs(key, value)) config_.env[name] = std::move(each);
  } else if (key == "headers") {
    config_.headers = pairs(key, value);
  } else if (key == "envFile") {
    env_file_ = text(key, value);
  } else if (key == "cwd") {
    config_.working_directory = text(key, value);
  } else if (key == "url" || key == "serverUrl" || key == "httpUrl") {
    config_.url = text(key, value);
  } else if (key == "disabled" || key == "enabled") {
    if (!value.is_boolean()) return wrong(std::format("'{}' is neither true nor false", key));
    config_.is_disabled = value.get<bool>() == (key == "disabled");
  } else if (key == "timeout") {
    // Some products count seconds, others milliseconds.
    config_.call_time_limit = time(key, value, value.is_number() && value.get<double>() < 1'000 ? 1e3 : 1);
  } else if (key == "timeout_ms" || key == "timeoutMs") {
    config_.call_time_limit = time(key, value, 1);
  } else if (key == "start_timeout_ms" || key == "startTimeoutMs") {
    config_.start_time_limit = time(key, value, 1);
  } else if (key != "name" && key != "description") {
    remarks.push_back(std::format("server '{}': unknown key '{}'", config_.name, key));
  }
}

void ServerReader::take_env_file() {
  if (env_file_.empty()) return;
  const auto file = std::filesystem::path(env_file_).is_absolute() ? std::filesystem::path(env_file_)
                                                                   : config_.working_directory / env_file_;
  std::ifstream in(file, std::ios::binary);
  if (!in) return wrong(std::format("'envFile': '{}' cannot be read", file.string()));
  std::ostringstream all;
  all << in.rdbuf();
  auto variables = internal::parse_env_file(all.str());
  if (!variables) return wrong(std::format("'envFile' '{}': {}", file.string(), variables.error().message));
  config_.env.merge(*variables);  // what "env" says stays
}

void ServerReader::read(const ConfigJson& server, std::vector<std::string>& remarks) {
  if (!server.is_object()) return wrong("it is no object");
  for (const auto& [key, value] : server.items()) take(key, value, remarks);
  if (type_ == "stdio" || type_ == "local")
    config_.url.clear();
  else if (!type_.empty())
    config_.command.clear();
  if (!config_.is_disabled) take_env_file();
}

Result<McpServerConfig> ServerReader::finish() {
  // A server that is switched off is not looked at.
  if (config_.is_disabled) return std::move(config_);
  if (fault_) return std::unexpected(std::move(*fault_));
  if (auto sound = check(config_); !sound) return std::unexpected(std::move(sound.error()));
  return std::move(config_);
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

Result<McpConfig> parse_mcp_config(std::string_view text, const McpVariables& variables) {
  auto root = internal::parse_config_json(text);
  if (!root) return std::unexpected(std::move(root.error()));
  if (!root->is_object()) return fail(ErrorCode::InvalidArgument, "it is no JSON object");
  McpConfig config;
  std::vector<const ConfigJson*> lists;
  for (const auto& [key, value] : root->items()) {
    if (key == "mcpServers" || key == "servers")
      lists.push_back(&value);
    else if (key == "mcp" && value.is_object() && value.contains("servers"))
      lists.push_back(&value["servers"]);
    else if (key != "inputs" && key != "$schema")
      config.remarks.push_back(std::format("unknown key '{}'", key));
  }
  if (lists.empty()) return fail(ErrorCode::InvalidArgument, "it has neither \"mcpServers\" nor \"servers\"");
  for (const auto* list : lists) {
    if (!list->is_object()) return fail(ErrorCode::InvalidArgument, "its servers are no object of names");
    for (const auto& [name, value] : list->items()) {
      const std::string usable = usable_name(name);
      if (usable != name) config.remarks.push_back(std::format("server '{}' is called '{}' here", name, usable));
      ServerReader reader(usable, variables);
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

Result<McpConfig> read_mcp_config(const std::filesystem::path& file, const McpVariables& variables) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed))
    return fail(ErrorCode::NotFound, std::format("{}: no such file", file.string()));
  if (std::filesystem::is_directory(file, failed))
    return fail(ErrorCode::Io, std::format("{}: is a folder", file.string()));
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) {
    text.resize(kMaxConfigBytes + 1);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
  }
  if (!in.is_open() || in.bad()) return fail(ErrorCode::Io, std::format("{}: cannot be read", file.string()));
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::InvalidArgument, std::format("{}: longer than 4 MiB", file.string()));
  auto config = parse_mcp_config(text, variables);
  if (!config) config.error().message = std::format("{}: {}", file.string(), config.error().message);
  return config;
}

}  // namespace llama
