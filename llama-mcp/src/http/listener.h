// Listen to what a server of the older era says on its own: a GET stream, opened again whenever it ends.
//
// A server that has none answers 405, and is not asked again. An interruption costs what is said meanwhile, unless the
// server keeps its events: then Last-Event-ID brings them.
// Threads  one of its own; start() and stop() from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "http/exchange.h"

namespace llama::internal {

class Listener {
 public:
  Listener(HttpLink& link, TransportFactory factory) : link_(link), factory_(std::move(factory)) {}
  ~Listener() { stop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();  // for the session that has begun now; another's is ended
  // Until the server has answered, or will not: what it asks before that would be lost.
  void wait_open(std::chrono::milliseconds limit);
  void pause();  // the session is over; not waited for
  void stop();   // for good, and waited for

 private:
  void listen(const std::stop_token& stop);
  void note_open();

  HttpLink& link_;
  const TransportFactory factory_;
  std::mutex mutex_;  // of the thread
  std::mutex open_mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
  bool is_stopped_ = false;
  std::jthread thread_;
};

}  // namespace llama::internal
