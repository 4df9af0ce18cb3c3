// Answer HTTP requests in memory: the double of a transport, for tests of whatever uses one.
//
//   MemoryServer server;
//   server.handle([](const HttpRequest& request) { return MemoryAnswer{.pieces = {"hello"}}; });
//   server.fault(2, broken_in_body(3));               // the third call breaks off after three bytes
//   auto transport = server.factory()();              // any number of them; they count their calls together
//   server.requests();                                // what was asked for
//
// Threads  any number of transports at once; handle() and fault() before the calls that they are for.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llama-http/http_transport.h"

namespace llama {

struct MemoryAnswer {
  int status = 200;                   // 0: the transfer ends before any head
  std::vector<HttpHeader> headers{};  // names in lower case
  std::vector<std::string> pieces{};  // the body, as it arrives
  TransferEnd end = TransferEnd::Complete;
  std::string reason{};
  bool stays_open = false;  // after the last piece nothing comes, until a stop or the total time
};

class MemoryServer {
 public:
  using Handler = std::function<MemoryAnswer(const HttpRequest&)>;
  using Edit = std::function<void(MemoryAnswer&)>;

  MemoryServer();  // a server that answers 404
  void handle(Handler handler);
  void answer(MemoryAnswer next);           // before the handler is asked: each once, in this order
  void fault(std::size_t call, Edit edit);  // of that call, counted from 0, whatever its answer is
  [[nodiscard]] TransportFactory factory() const;
  [[nodiscard]] std::vector<HttpRequest> requests() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Edits for fault().
[[nodiscard]] MemoryServer::Edit broken_before_head();
[[nodiscard]] MemoryServer::Edit broken_in_body(std::size_t after_bytes);
[[nodiscard]] MemoryServer::Edit answered(int status);
[[nodiscard]] MemoryServer::Edit one_wrong_bit(std::size_t at_byte);

// The part of `content` that a request's range asks for, as a server sends it (status 206, content-range); all of it
// with status 200 where the request has none.
[[nodiscard]] MemoryAnswer content_answer(const HttpRequest& request, const std::string& content);

}  // namespace llama
