// Read one server of a config file.
#pragma once

#include <chrono>
#include <format>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

// Takes the keys of one server, one after the other. A fault is kept, and the first one is told.
class ServerReader {
 public:
  ServerReader(std::string name, const McpVariables& variables, const std::stop_token& stop)
      : variables_(variables), stop_(stop) {
    config_.name = std::move(name);
  }

  void read(const nlohmann::ordered_json& server, std::vector<std::string>& remarks);
  [[nodiscard]] Result<McpServerConfig> finish();

 private:
  void take(const std::string& key, const nlohmann::ordered_json& value, std::vector<std::string>& remarks);
  void take_command(const nlohmann::ordered_json& value);
  void take_type(const nlohmann::ordered_json& value);
  void take_era(const nlohmann::ordered_json& value);
  void take_rules(const nlohmann::ordered_json& value);
  void take_rule(const std::string& pattern, const nlohmann::ordered_json& value);
  void restrict_to_never(McpToolRule rule);
  void take_env_file();
  [[nodiscard]] std::string text(const std::string& key, const nlohmann::ordered_json& value);
  [[nodiscard]] std::vector<std::string> texts(const std::string& key, const nlohmann::ordered_json& value);
  [[nodiscard]] std::map<std::string, std::string> pairs(const std::string& key, const nlohmann::ordered_json& value);
  [[nodiscard]] std::chrono::milliseconds time(const std::string& key, const nlohmann::ordered_json& value,
                                               double unit);
  void wrong(const std::string& what, ErrorCode code = ErrorCode::InvalidArgument) {
    if (!fault_) fault_ = Error{code, std::format("server '{}': {}", config_.name, what)};
  }

  const McpVariables& variables_;
  const std::stop_token& stop_;
  McpServerConfig config_;
  std::string type_, env_file_;
  std::ptrdiff_t restrictions_ = 0;  // of the first rules
  std::optional<Error> fault_;
};

}  // namespace llama::internal
