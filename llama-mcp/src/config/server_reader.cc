#include "config/server_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/variables.h"
#include "llama-base/whole_file.h"

namespace llama::internal {
namespace {

using ConfigJson = nlohmann::ordered_json;

constexpr std::size_t kMaxEnvFileBytes = std::size_t{4} << 20;

// Lists of other programs that only restrict.
// Source   Gemini CLI (includeTools, excludeTools), Codex (enabled_tools, disabled_tools), Copilot (tools), Windsurf
//          and Roo Code (disabledTools).
constexpr std::array<std::string_view, 4> kIncludedTools = {"includeTools", "enabled_tools", "enabledTools", "tools"};
constexpr std::array<std::string_view, 3> kExcludedTools = {"disabledTools", "disabled_tools", "excludeTools"};
// Approvals of other programs: what they allow is not allowed here for that reason. Some mean by "allowedTools" those
// that are offered, others those that are not asked for.
constexpr std::array<std::string_view, 5> kOtherRules = {"alwaysAllow", "autoApprove", "trust", "tools",
                                                         "allowedTools"};
// What says nothing of how a server is reached.
constexpr std::array<std::string_view, 6> kIgnoredKeys = {"name", "title", "description", "icon", "version", "gallery"};

std::string plain_text(const ConfigJson& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

}  // namespace

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

// "always", or {"read_*": "always", "*": "never"}.
void ServerReader::take_rules(const ConfigJson& value) {
  if (value.is_string()) return take_rule("*", value);
  if (!value.is_object()) return wrong("'approve' is neither a text nor an object of texts");
  for (const auto& [pattern, each] : value.items()) take_rule(pattern, each);
}

void ServerReader::take_rule(const std::string& pattern, const ConfigJson& value) {
  using Approval = McpToolRule::Approval;
  const std::string how = value.is_string() ? value.get<std::string>() : value.dump();
  if (how != "always" && how != "ask" && how != "never") {
    return wrong(std::format("'approve': '{}' is none of 'always', 'ask' and 'never'", how));
  }
  config_.rules.push_back({pattern, how == "always"  ? Approval::Always
                                    : how == "never" ? Approval::Never
                                                     : Approval::Ask});
}

// Before all that "approve" says, wherever it stands in the file.
void ServerReader::restrict_to_never(McpToolRule rule) {
  rule.approval = McpToolRule::Approval::Never;
  config_.rules.insert(config_.rules.begin() + restrictions_++, std::move(rule));
}

void ServerReader::take(const std::string& key, const ConfigJson& value, std::vector<std::string>& remarks) {
  if (key == "command") return take_command(value);
  if (key == "type" || key == "transport" || key == "transportType") return take_type(value);
  if (key == "era") return take_era(value);
  if (key == "approve") return take_rules(value);
  if (std::ranges::contains(kExcludedTools, key)) {
    for (auto& each : texts(key, value)) restrict_to_never({.pattern = std::move(each)});
    return;
  }
  if (std::ranges::contains(kIncludedTools, key) && (key != "tools" || value.is_array())) {
    return restrict_to_never({.pattern = "*", .except = texts(key, value)});
  }
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
  } else if (std::ranges::contains(kOtherRules, key)) {
    remarks.push_back(std::format("server '{}': '{}' is not followed: which tools may be called is said by \"approve\"",
                                  config_.name, key));
  } else if (!std::ranges::contains(kIgnoredKeys, key)) {
    remarks.push_back(std::format("server '{}': unknown key '{}'", config_.name, key));
  }
}

void ServerReader::take_env_file() {
  if (env_file_.empty()) return;
  const auto file = std::filesystem::path(env_file_).is_absolute() ? std::filesystem::path(env_file_)
                                                                   : config_.working_directory / env_file_;
  const auto text = read_whole_file(file, kMaxEnvFileBytes, stop_);
  if (!text && text.error().code == ErrorCode::Cancelled) return wrong(text.error().message, ErrorCode::Cancelled);
  if (!text) return wrong(std::format("'envFile': '{}': {}", file.string(), text.error().message));
  auto variables = parse_env_file(*text);
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

}  // namespace llama::internal
