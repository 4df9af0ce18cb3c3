// Carry messages to a child process and back: one JSON a line, over its standard input and output.
//
// One thread lives as long as the child: it starts it, and waits in one poll for all three pipes, the child's end, and
// us. Nothing blocks: what the child does not read is kept up to a limit, so a child that reads nothing never stops us
// from reading it, which would be the deadlock of two full pipes. Its standard error is read always, and its last 4 KiB
// kept.
//
//   Running ── close() ──► Closing: what waits is written, its input closed ── it ends, or time ──► SIGTERM, and
//      │ it ends, or closes its output                                    ── it ends, or time ──► SIGKILL, reaped
//      ▼
//   Ending: what it still wrote is read, for half a second at most ──► ended(), SIGKILL to what is left, reaped
//
// Source   specification, "Transports", "stdio", and "Lifecycle", "Shutdown".
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "channel.h"
#include "stdio/child_process.h"
#include "stdio/line_splitter.h"

namespace llama::internal {

class StdioChannel final : public McpChannel {
 public:
  StdioChannel(McpServerConfig config, const McpClientOptions& options);
  ~StdioChannel() override { close(); }

  [[nodiscard]] Result<void> open(ChannelReceiver& receiver, const std::stop_token& stop) override;
  [[nodiscard]] Result<void> send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) override;
  void abandon(std::string_view id) override { (void)id; }
  void set_session(std::string_view revision, McpEra era) override { (void)revision, (void)era; }
  void close() override;
  [[nodiscard]] std::string last_words() const override;
  [[nodiscard]] std::uint64_t stray_lines() const override;
  [[nodiscard]] bool is_cancelled_by_message(McpEra era) const override { return (void)era, true; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { Running, Ending, Closing, Terminating };

  void run();
  [[nodiscard]] std::optional<std::string> converse(ChildProcess& child);
  void wait(ChildProcess& child, int notice, bool must_ask, std::optional<Clock::time_point> deadline);
  void read_some(Descriptor& from, bool is_output);
  void write_some(ChildProcess& child);
  void take_line(std::string_view line);
  void take_long_line(std::string_view head, std::string_view tail);
  void keep_words(std::string_view words);
  [[nodiscard]] bool is_closing() const;
  [[nodiscard]] bool has_output() const;
  void wake() const;

  const McpServerConfig config_;
  const McpClientOptions options_;
  ChannelReceiver* receiver_ = nullptr;
  Pipe wake_pipe_;
  LineSplitter lines_;

  mutable std::mutex mutex_;
  std::condition_variable started_;
  std::optional<Result<void>> start_;
  bool is_closing_ = false, is_ended_ = false, is_input_closed_ = false;
  std::deque<std::string> output_;
  std::size_t output_bytes_ = 0, written_ = 0;  // written_: of the first
  std::string last_words_;
  bool is_cut_ = false;  // there were more before them
  std::uint64_t stray_lines_ = 0;
  std::jthread thread_;
};

}  // namespace llama::internal
