// Carry messages over Streamable HTTP: each is a POST of its own, and its answers come on the same connection.
//
// Requests run side by side on up to 32 threads, more wait. What is no request (notifications, and our answers to a
// server's questions) has a lane of its own: a question that comes within a stream is answered while all the others
// wait. After `initialize` no request begins before `notifications/initialized` has arrived and the server is listened
// to (for that, 250 ms at most): its questions may come on the stream of its own.
//
//   send() ─► requests (32) ─► Exchange ─► receiver          ┐
//          ─► notices (4)   ─► Exchange                      ├─ HttpSession: what every request carries
//             initialized (older era) ─► Listener ─► receiver ┘
//
// Source   specification 2025-03-26 to 2026-07-28, "Transports", "Streamable HTTP"; npm @modelcontextprotocol/client
//          2.4.0 and PyPI mcp 2.3.0 where it leaves a choice.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "channel.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/worker_pool.h"

namespace llama::internal {

class HttpChannel final : public McpChannel {
 public:
  HttpChannel(const McpServerConfig& config, const McpClientOptions& options);
  ~HttpChannel() override { close(); }

  [[nodiscard]] Result<void> open(ChannelReceiver& receiver, const std::stop_token& stop) override;
  [[nodiscard]] Result<void> send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) override;
  void abandon(std::string_view id) override;
  void set_session(std::string_view revision, McpEra era) override;
  [[nodiscard]] Result<void> learn_tool(std::string_view name, std::string_view input_schema) override;
  void close() override;
  [[nodiscard]] bool is_cancelled_by_message(McpEra era) const override { return era == McpEra::Older; }

 private:
  [[nodiscard]] Result<void> send_request(OutgoingMessage message, Deadline deadline);
  [[nodiscard]] Result<void> send_notice(OutgoingMessage message, Deadline deadline);
  void end_session();

  const std::chrono::milliseconds close_time_limit_;
  const TransportFactory factory_;
  HttpLink link_;
  std::mutex mutex_;
  bool is_closed_ = false;
  std::map<std::string, std::shared_ptr<Exchange>, std::less<>> requests_under_way_;  // by id
  std::map<const Exchange*, std::shared_ptr<Exchange>> notices_under_way_;
  Listener listener_;
  WorkerPool requests_, notices_;  // last: their threads use all of the above
};

}  // namespace llama::internal
