// Carry the protocol's messages to a server and back: the seam between what is said and how it travels.
//
// stdio_channel.h is the one over pipes, http_channel.h the one over Streamable HTTP; tests play a server in memory. A
// channel knows nothing of what a message means: it carries text, and for HTTP's headers it is told a request's id,
// method and name. The protocol (protocol/) knows nothing of pipes, statuses or event streams.
//
//   open()  ──►  send() … send()  ──►  close()        receiver: message()*, failed()*, then ended() at most once
//
// Errors   open() and send() say what failed at once; what fails later is told to the receiver. No message has a
//          secret, and none names the server or has its last words: the protocol puts "server 'x': " before each.
// Threads  send(), abandon(), set_session(), last_words() and stray_lines() from any thread at any time after open();
//          open() and close() once, not at the same time. The receiver is called on the channel's threads, one call at
//          a time, and never after close() has returned. It may call send() and abandon(), and neither open() nor
//          close().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-mcp/mcp_client.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

struct OutgoingMessage {
  std::string json;      // one line
  std::string id{};      // of a request, as it stands in the JSON without quotes: "7"; "": a notification or an answer
  std::string method{};  // "tools/call"; "": an answer
  std::string name{};    // the tool, prompt or URI that the request is about, for Mcp-Name; "": none
};

class ChannelReceiver {
 public:
  virtual ~ChannelReceiver() = default;
  // One message of the server's: valid UTF-8, and perhaps no JSON.
  virtual void message(std::string_view json) = 0;
  // This request gets no answer; others are not touched by it. The code tells why: Network (the connection that carried
  // it broke, a server's status of 500 and above), InvalidArgument (another status refuses it: to `server/discover`
  // that is a server of the older era), AccessDenied (401, 403), TimedOut, Busy (429). An answer of JSON-RPC in the
  // body of a refusal is a message(). An id of "": an answer came that cannot be told whose it is (too long to be
  // read); it is that of the only request under way, or nobody's.
  virtual void failed(std::string_view id, Error error) = 0;
  // The server no longer knows the session (404 in the older era) and has not looked at this request: the protocol
  // calls set_session(""), begins anew with `initialize`, and sends the request again.
  virtual void session_lost(std::string_view id) = 0;
  // Nothing more comes, and nothing can be sent. Not told where close() was called.
  virtual void ended(Error error) = 0;
};

class McpChannel {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  virtual ~McpChannel() = default;  // as close()

  // Starts what it takes to send. The receiver outlives the channel. A stop ends the wait, and not the channel later.
  [[nodiscard]] virtual Result<void> open(ChannelReceiver& receiver, const std::stop_token& stop) = 0;
  // Hands a message over and does not wait for an answer. Where the way is full (a server that reads nothing) the
  // message is kept, up to a limit, and Busy says that the limit is reached. The protocol has timers of its own and
  // abandons what took too long; the deadline is the latest that it may allow (progress extends a request's time).
  [[nodiscard]] virtual Result<void> send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) = 0;
  // Nobody waits for this request's answer any more. Over HTTP its connection is broken, which cancels it in the
  // revision 2026-07-28; over pipes nothing happens, and the protocol sends notifications/cancelled.
  virtual void abandon(std::string_view id) = 0;
  // What was agreed: HTTP's MCP-Protocol-Version from now on. Before the first call nothing is agreed:
  // `server/discover` and `initialize` are told from one another by their method.
  virtual void set_session(std::string_view revision, McpEra era) = 0;
  // Whether a listed tool can be called this way, and a chance to note which of its arguments travel as Mcp-Param-*
  // headers. An error: the tool is left out of the list, and its reason is told as a log line.
  [[nodiscard]] virtual Result<void> learn_tool(std::string_view name, std::string_view input_schema) {
    (void)name, (void)input_schema;
    return {};
  }
  // Ends everything, also what runs. Afterwards send() says Cancelled.
  virtual void close() = 0;
  [[nodiscard]] virtual std::string last_words() const { return {}; }    // the end of its standard error
  [[nodiscard]] virtual std::uint64_t stray_lines() const { return 0; }  // seen to be no message by the channel itself
  // A cancelled or late request is told by notifications/cancelled: over pipes always, over HTTP in the older era only.
  [[nodiscard]] virtual bool is_cancelled_by_message(McpEra era) const = 0;
};

[[nodiscard]] std::unique_ptr<McpChannel> make_stdio_channel(const McpServerConfig& config,
                                                             const McpClientOptions& options);
[[nodiscard]] std::unique_ptr<McpChannel> make_http_channel(const McpServerConfig& config,
                                                            const McpClientOptions& options);

}  // namespace llama::internal
