// One connection to a server, from finding out its era to the end: what McpClient does, over any channel.
//
// It is apart from McpClient so that tests can play the server in memory.
// Threads  any; close() ends what runs.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "channel.h"
#include "llama-base/error.h"
#include "llama-mcp/mcp_client.h"
#include "protocol/change_stream.h"
#include "protocol/era_memory.h"
#include "protocol/mcp_session.h"
#include "protocol/negotiation.h"

namespace llama::internal {

using ChannelFactory = std::function<std::unique_ptr<McpChannel>()>;

struct ClientSetup {
  McpServerConfig config;
  McpHandlers handlers{};
  McpClientOptions options{};
  ChannelFactory make_channel{};
  EraMemory* memory = nullptr;  // nullptr: that of this process
};

class ClientCore {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ClientCore>> connect(ClientSetup setup, const std::stop_token& stop);
  ~ClientCore() { close(); }
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  // A request of the work itself: begins a lost session anew, and puts the questions of `input_required` to the person.
  [[nodiscard]] RequestResult ask(const std::string& method, const nlohmann::ordered_json& params,
                                  const RequestOptions& options, const std::stop_token& stop);
  // All pages of a list: the entries of `key`.
  //
  // Errors   Network: a cursor that comes again, more pages than options.max_pages, more than 64 MiB; and as ask().
  [[nodiscard]] Result<nlohmann::ordered_json> list(const std::string& method, const char* key, bool is_offered,
                                                    const std::stop_token& stop);
  [[nodiscard]] Result<void> subscribe(const std::string& uri, const std::stop_token& stop);
  [[nodiscard]] Result<void> ping(const std::stop_token& stop);

  [[nodiscard]] const McpServerInfo& info() const { return agreement_.info; }
  [[nodiscard]] const Agreement& agreement() const { return agreement_; }
  [[nodiscard]] const McpServerConfig& config() const { return setup_.config; }
  [[nodiscard]] McpSession& session() { return *session_; }
  void close();

 private:
  explicit ClientCore(ClientSetup setup) : setup_(std::move(setup)) {}

  [[nodiscard]] Result<void> negotiate(const std::stop_token& stop);
  [[nodiscard]] Result<void> open_session(const std::stop_token& stop);
  [[nodiscard]] Result<void> greet(bool may_be_modern, const std::stop_token& stop);
  [[nodiscard]] Result<void> settle(Agreement agreement);
  void listen();
  [[nodiscard]] Result<void> renew(std::uint64_t generation, const std::stop_token& stop);
  [[nodiscard]] std::expected<nlohmann::ordered_json, Error> answers_to(const nlohmann::ordered_json& result,
                                                                        const std::stop_token& stop);

  ClientSetup setup_;
  std::unique_ptr<McpSession> session_;
  Agreement agreement_;
  std::unique_ptr<ChangeStream> changes_;
  std::mutex renewing_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace llama::internal
