// Keep a config's secrets out of what people are shown: the values of its environment and headers become "***".
//
// Values of fewer than 6 bytes stay: "1" and "true" are no secrets, and would blacken every text. A value of several
// lines is known line by line, too, and in one line as messages have it. Where a text was cut ("…", one_line.h), a
// secret's beginning before the cut and its end after it count as well.
// Cost     one pass over the text for each value, and at each cut the size of the values.
#pragma once

#include <string>
#include <vector>

#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

class SecretFilter {
 public:
  SecretFilter() = default;
  explicit SecretFilter(const McpServerConfig& config);
  [[nodiscard]] std::string operator()(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // the longest first
};

}  // namespace llama::internal
