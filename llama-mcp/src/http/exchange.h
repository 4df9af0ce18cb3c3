// Carry one message to the server and its answers back, to the end: JSON, an event stream, or a stream taken up again.
//
//   POST ──► application/json   ──► the message
//        ──► text/event-stream  ──► messages … the answer
//                │ it breaks off (older era, with an event's id): after `retry`, GET with Last-Event-ID ──► on it goes
//        ──► another status     ──► refusal.h
//
// A stream that has brought the answer is read to its end, so that its connection can be used again; but few may
// linger.
// Errors   to the receiver; none where the exchange was stopped.
// Threads  run() on one; stop() from any.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "channel.h"
#include "http/event_stream.h"
#include "http/guarded_fetch.h"
#include "http/session.h"

namespace llama::internal {

// The receiver, one call at a time.
class Delivery {
 public:
  void open(ChannelReceiver& receiver) { receiver_ = &receiver; }
  void message(std::string_view json);  // bytes that are no UTF-8 are replaced
  void failed(std::string_view id, Error error);
  void session_lost(std::string_view id);

 private:
  std::mutex mutex_;
  ChannelReceiver* receiver_ = nullptr;
};

// Streams that have brought their answer and have not ended: the oldest is ended when there are too many.
class Lingering {
 public:
  void add(std::stop_source stream);

 private:
  std::mutex mutex_;
  std::deque<std::stop_source> streams_;
};

// What all exchanges of a channel share.
struct HttpLink {
  std::string url;
  std::size_t max_message_bytes = 0;
  HttpSession session;
  Delivery delivery{};
  Lingering lingering{};
};

class Exchange {
 public:
  Exchange(HttpLink& link, OutgoingMessage message, McpChannel::Deadline deadline)
      : link_(link), message_(std::move(message)), deadline_(deadline) {}

  void run(HttpTransport& transport);
  void stop() { stop_.request_stop(); }
  // After run(): a status of success came.
  [[nodiscard]] bool is_accepted() const { return is_accepted_; }

 private:
  enum class Body { Ignored, Json, Stream, Refusal, Odd };

  [[nodiscard]] bool take_head(const HttpHead& head);
  [[nodiscard]] bool take_bytes(std::string_view bytes);
  [[nodiscard]] bool take_event(const StreamEvent& event);
  void take_answer(std::string_view text);
  void begin_stream();
  void note_stream();
  void finish(const Fetched& fetched);
  void finish_refusal(const HttpHead& head);
  void take_up_again(HttpTransport& transport);
  [[nodiscard]] bool listen_again(HttpTransport& transport, std::string& why);
  void fail_with(ErrorCode code, std::string message);

  HttpLink& link_;
  const OutgoingMessage message_;
  const McpChannel::Deadline deadline_;
  std::stop_source stop_;
  bool is_older_ = true, had_session_ = false;
  bool is_accepted_ = false;
  Body kind_ = Body::Ignored;
  std::string body_, content_type_;
  bool is_too_long_ = false;
  bool is_settled_ = false;  // its answer or its failure has been told
  std::size_t bytes_after_ = 0;
  std::optional<EventStream> stream_;
  bool has_news_ = false;  // an event came on this connection
  std::string last_event_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

// "text/event-stream" of "Text/Event-Stream; charset=utf-8".
[[nodiscard]] std::string media_type(std::string_view content_type);
// How long to wait before a stream is opened again, after so many failures in a row.
[[nodiscard]] std::chrono::milliseconds pause_before(std::optional<std::chrono::milliseconds> retry, int failures);

}  // namespace llama::internal
