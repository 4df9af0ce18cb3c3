#include "llama-http/memory_transport.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <format>
#include <map>
#include <mutex>

namespace llama {

struct MemoryServer::State {
  std::mutex mutex;
  Handler handler = [](const HttpRequest&) {
    return MemoryAnswer{
        .status = 404,
    };
  };
  std::deque<MemoryAnswer> next;
  std::multimap<std::size_t, Edit> faults;
  std::vector<HttpRequest> requests;

  MemoryAnswer answer_to(const HttpRequest& request) {
    const std::scoped_lock lock(mutex);
    const std::size_t call = requests.size();
    requests.push_back(request);
    MemoryAnswer answer;
    if (next.empty()) {
      answer = handler(request);
    } else {
      answer = std::move(next.front());
      next.pop_front();
    }
    const auto [first, last] = faults.equal_range(call);
    std::for_each(first, last, [&](const auto& fault) { fault.second(answer); });
    return answer;
  }
};

namespace {

// Waits for a stop, at most so long (0: for ever).
TransferEnd wait_open(std::chrono::milliseconds total, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  const auto never = [] { return false; };
  if (total.count() > 0) {
    changed.wait_for(lock, stop, total, never);
  } else {
    changed.wait(lock, stop, never);
  }
  return stop.stop_requested() ? TransferEnd::Cancelled : TransferEnd::TimedOut;
}

class MemoryTransport : public HttpTransport {
 public:
  using Answerer = std::function<MemoryAnswer(const HttpRequest&)>;
  explicit MemoryTransport(Answerer answerer) : answerer_(std::move(answerer)) {}

  HttpResult perform(const HttpRequest& request, const HttpSink& sink, const std::stop_token& stop) override {
    if (stop.stop_requested()) return {.end = TransferEnd::Cancelled, .head = {}};
    const MemoryAnswer answer = answerer_(request);
    HttpResult result{
        .end = answer.end, .head = {.status = answer.status, .headers = answer.headers}, .reason = answer.reason};
    const auto ended = [&](TransferEnd end) {
      result.end = end;
      return std::move(result);
    };
    if (answer.status != 0 && !sink.head(result.head)) return ended(TransferEnd::Refused);
    for (const std::string& piece : answer.pieces) {
      if (stop.stop_requested()) return ended(TransferEnd::Cancelled);
      if (!piece.empty() && !sink.body(std::as_bytes(std::span(piece)))) return ended(TransferEnd::Refused);
    }
    if (answer.stays_open) return ended(wait_open(request.limits.value_or(HttpTimeLimits{}).total, stop));
    return stop.stop_requested() ? ended(TransferEnd::Cancelled) : std::move(result);
  }

 private:
  Answerer answerer_;
};

}  // namespace

MemoryServer::MemoryServer() : state_(std::make_shared<State>()) {}

void MemoryServer::handle(Handler handler) {
  const std::scoped_lock lock(state_->mutex);
  state_->handler = std::move(handler);
}

void MemoryServer::answer(MemoryAnswer next) {
  const std::scoped_lock lock(state_->mutex);
  state_->next.push_back(std::move(next));
}

void MemoryServer::fault(std::size_t call, Edit edit) {
  const std::scoped_lock lock(state_->mutex);
  state_->faults.emplace(call, std::move(edit));
}

TransportFactory MemoryServer::factory() const {
  return [state = state_] {
    return std::make_unique<MemoryTransport>([state](const HttpRequest& request) { return state->answer_to(request); });
  };
}

std::vector<HttpRequest> MemoryServer::requests() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->requests;
}

MemoryServer::Edit broken_before_head() {
  return [](MemoryAnswer& answer) {
    answer = {.status = 0, .end = TransferEnd::Broken, .reason = "the connection broke"};
  };
}

MemoryServer::Edit broken_in_body(std::size_t after_bytes) {
  return [after_bytes](MemoryAnswer& answer) {
    std::size_t left = after_bytes;
    for (std::string& piece : answer.pieces) {
      piece.resize(std::min(piece.size(), left));
      left -= piece.size();
    }
    answer.end = TransferEnd::Broken;
    answer.reason = "the connection broke";
    answer.stays_open = false;
  };
}

MemoryServer::Edit answered(int status) {
  return [status](MemoryAnswer& answer) { answer = {.status = status, .pieces = {"an odd answer"}}; };
}

MemoryServer::Edit one_wrong_bit(std::size_t at_byte) {
  return [at_byte](MemoryAnswer& answer) {
    std::size_t before = 0;
    for (std::string& piece : answer.pieces) {
      if (at_byte - before < piece.size()) {
        piece[at_byte - before] = static_cast<char>(piece[at_byte - before] ^ 1);
        return;
      }
      before += piece.size();
    }
  };
}

MemoryAnswer content_answer(const HttpRequest& request, const std::string& content) {
  if (!request.range) return {.status = 200, .pieces = {content}};
  std::size_t begin = 0, last = content.empty() ? 0 : content.size() - 1;
  const std::string& range = *request.range;
  const std::size_t dash = std::min(range.find('-'), range.size());
  std::from_chars(range.data(), range.data() + dash, begin);
  if (dash + 1 < range.size()) std::from_chars(range.data() + dash + 1, range.data() + range.size(), last);
  if (begin >= content.size() || last < begin)
    return {.status = 416,
            .headers = {{"content-range", std::format("bytes */{}", content.size())}},
            .pieces = {},
            .reason = {}};
  last = std::min(last, content.size() - 1);
  return {.status = 206,
          .headers = {{"content-range", std::format("bytes {}-{}/{}", begin, last, content.size())},
                      {"content-length", std::to_string(last - begin + 1)}},
          .pieces = {content.substr(begin, last - begin + 1)},
          .reason = {}};
}

}  // namespace llama
