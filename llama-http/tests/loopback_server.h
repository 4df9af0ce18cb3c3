// Serve HTTP on this machine's loopback, for tests: each request is read whole, then a function answers as it likes.
//
// Threads  one per connection; the function is called on it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace llama::test {

struct Received {
  std::string method, target;
  std::string head;  // the lines as they came
  std::string body;  // as long as Content-Length said
};

class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  bool send(std::string_view bytes) const;  // false: the other end has gone
  void end() const;                         // nothing more is sent
  [[nodiscard]] bool wait_for_end() const;  // until the other end closes; true then
  [[nodiscard]] bool receive(Received& request) const;

 private:
  int descriptor_;
};

class LoopbackServer {
 public:
  using Answer = std::function<void(const Connection&, const Received&)>;
  explicit LoopbackServer(Answer answer);
  ~LoopbackServer();  // ends every connection
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  [[nodiscard]] std::string url(std::string_view path, std::string_view scheme = "http") const;

 private:
  void accept();
  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::jthread> threads_;
  std::jthread accepting_;
};

// A whole answer with its length.
[[nodiscard]] std::string plain_answer(int status, std::string_view body, std::string_view more_headers = "");

}  // namespace llama::test
