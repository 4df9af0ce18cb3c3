// A client of hostile_server.cc, and how many of its processes there are.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "llama-mcp/mcp_client.h"

namespace llama {

using namespace std::chrono_literals;

// Another for each test, so that each finds its own processes.
inline std::string new_token() {
  static std::atomic<int> count{0};
  return std::format("llama-mcp-test-{}-{}", getpid(), ++count);
}

inline int processes_with(const std::string& token) {
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(each.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(in), {}};
    count += line.contains(token) ? 1 : 0;
  }
  return count;
}

// A process that was killed takes a moment to be gone.
inline int survivors_with(const std::string& token) {
  for (int i = 0; i < 500 && processes_with(token) > 0; ++i) std::this_thread::sleep_for(20ms);
  return processes_with(token);
}

inline int entries_of(const char* folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

inline McpServerConfig server_in_mode(const std::string& mode, const std::string& token = new_token()) {
  return {.name = "hostile",
          .command = HOSTILE_SERVER,
          .args = {mode, token},
          .start_time_limit = 20s,
          .call_time_limit = 60s};
}

class HostileServer : public testing::Test {
 protected:
  std::string token = new_token();
  McpClientOptions options{.close_time_limit = 300ms};

  Result<std::unique_ptr<McpClient>> connect(const std::string& mode, McpHandlers handlers = {}) {
    return McpClient::connect(server_in_mode(mode, token), std::move(handlers), options);
  }
  Result<McpToolResult> call(McpClient& client, const std::string& arguments = R"({"words":"hello"})") {
    return client.call_tool("echo", arguments);
  }
  void TearDown() override { EXPECT_EQ(survivors_with(token), 0) << "a process survived"; }
};

}  // namespace llama
