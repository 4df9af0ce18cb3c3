// Take a text/event-stream apart, as it arrives: any split of its bytes gives the same events.
//
//   EventStream stream(limit, [](const StreamEvent& event) { …; return true; });
//   while (bytes come) if (!stream.push(bytes)) break;
//   stream.last_event_id(), stream.retry();   // for the next connection
//
// Lines end with LF, CR or CRLF; an event ends with an empty line, and what no empty line follows is no event.
// Nothing is kept but the event that has begun. An event of more bytes than the limit is told without its data.
// Threads  one.
// Cost     each byte is looked at twice and copied once.
// Source   html.spec.whatwg.org, "Server-sent events", "Interpreting an event stream".
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace llama::internal {

struct StreamEvent {
  std::string_view type;  // "message" where the server says nothing
  std::string_view data;  // the bytes, perhaps no UTF-8
  bool is_too_long = false;
};

class EventStream {
 public:
  using Sink = std::function<bool(const StreamEvent&)>;  // false: no more is wanted

  EventStream(std::size_t max_event_bytes, Sink sink) : max_bytes_(max_event_bytes), sink_(std::move(sink)) {}

  // False: no more is wanted, now or before.
  bool push(std::string_view bytes);
  // Of the events so far; "": none. Longer ones than 8 KiB are not taken over: they could not be sent back.
  [[nodiscard]] const std::string& last_event_id() const { return last_id_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  void take_piece(std::string_view piece);
  bool end_line();
  void take_line();
  bool dispatch();

  const std::size_t max_bytes_;
  Sink sink_;
  std::string line_, type_, data_, id_, last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool is_first_line_ = true, is_after_cr_ = false, is_over_ = false;
  bool is_line_too_long_ = false, is_event_too_long_ = false, has_data_ = false;
};

}  // namespace llama::internal
