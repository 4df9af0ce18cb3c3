#include "http/listener.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "llama-base/pause.h"

namespace llama::internal {
namespace {

constexpr int kMaxCountedFailures = 10;

}  // namespace

void Listener::start() {
  const std::scoped_lock lock(mutex_);
  if (is_stopped_) return;
  thread_ = {};  // asks it to end and waits for that
  {
    const std::scoped_lock open_lock(open_mutex_);
    is_open_ = false;
  }
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
  } catch (const std::system_error&) {
    note_open();  // without a thread the server is not listened to; its answers come all the same
  }
}

void Listener::note_open() {
  const std::scoped_lock lock(open_mutex_);
  is_open_ = true;
  opened_.notify_all();
}

void Listener::wait_open(std::chrono::milliseconds limit) {
  std::unique_lock lock(open_mutex_);
  (void)opened_.wait_for(lock, limit, [&] { return is_open_; });
}

void Listener::pause() {
  const std::scoped_lock lock(mutex_);
  thread_.request_stop();
}

void Listener::stop() {
  std::jthread thread;
  {
    const std::scoped_lock lock(mutex_);
    is_stopped_ = true;
    thread = std::move(thread_);
  }
  thread = {};
  note_open();
}

void Listener::listen(const std::stop_token& stop) {
  const auto transport = factory_();
  std::string last_event_id;
  std::optional<std::chrono::milliseconds> retry;
  for (int failures = 0;;) {
    bool is_refused = false, has_news = false;
    EventStream stream(link_.max_message_bytes, [&](const StreamEvent& event) {
      has_news = true;
      if (!event.is_too_long && !event.data.empty() && event.type == "message") link_.delivery.message(event.data);
      return !stop.stop_requested();
    });
    const auto fetched =
        guarded_fetch(*transport,
                      {.method = "GET",
                       .url = link_.url,
                       .headers = link_.session.headers_to_listen(last_event_id),
                       .limits = limits_until(std::chrono::steady_clock::now() + std::chrono::hours(24 * 365))},
                      {.head =
                           [&](const HttpHead& head) {
                             note_open();
                             const bool is_stream =
                                 head.status == 200 && media_type(head.value("content-type")) == "text/event-stream";
                             is_refused = !is_stream && head.status < 500 && head.status != 429;
                             return is_stream;
                           },
                       .body =
                           [&](std::span<const std::byte> bytes) {
                             return stream.push({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
                           }},
                      stop);
    note_open();
    if (stop.stop_requested() || is_refused || fetched.refused_redirect ||
        fetched.result.end == TransferEnd::Hopeless) {
      return;
    }
    if (stream.retry()) retry = stream.retry();
    if (!stream.last_event_id().empty()) last_event_id = stream.last_event_id();
    failures = has_news ? 0 : std::min(failures + 1, kMaxCountedFailures);
    // What the server wishes holds after a stream that was one; a server that is away is not asked every few moments.
    if (!internal::pause(pause_before(failures < 2 ? retry : std::nullopt, failures), stop)) return;
  }
}

}  // namespace llama::internal
