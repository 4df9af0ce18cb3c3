// Stands in until there is src/http/http_channel.cc.
#include "channel.h"

namespace llama::internal {

std::unique_ptr<McpChannel> make_http_channel(const McpServerConfig& config, const McpClientOptions& options) {
  return make_stdio_channel(config, options);
}

}  // namespace llama::internal
