#include "loopback_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <utility>

namespace llama::test {

bool Connection::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Connection::end() const { ::shutdown(descriptor_, SHUT_RDWR); }

bool Connection::wait_for_end() const {
  char byte = 0;
  while (::recv(descriptor_, &byte, 1, 0) > 0) {
  }
  return true;
}

bool Connection::receive(Received& request) const {
  std::string text;
  char buffer[4096];
  const auto more = [&] {
    const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  };
  while (!text.contains("\r\n\r\n")) {
    if (!more()) return false;
  }
  const std::size_t end = text.find("\r\n\r\n") + 4;
  request.head = text.substr(0, end);
  request.method = text.substr(0, text.find(' '));
  const std::size_t target = request.method.size() + 1;
  request.target = text.substr(target, text.find(' ', target) - target);
  std::size_t length = 0;
  if (const std::size_t at = request.head.find("Content-Length: "); at != std::string::npos)
    length = std::strtoul(request.head.c_str() + at + 16, nullptr, 10);
  while (text.size() < end + length) {
    if (!more()) return false;
  }
  request.body = text.substr(end, length);
  return true;
}

LoopbackServer::LoopbackServer(Answer answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(listener_, 16);
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] { accept(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  {
    const std::scoped_lock lock(mutex_);
    for (const int one : open_) ::shutdown(one, SHUT_RDWR);
  }
  threads_.clear();
}

std::string LoopbackServer::url(std::string_view path, std::string_view scheme) const {
  return std::format("{}://127.0.0.1:{}{}", scheme, port_, path);
}

void LoopbackServer::accept() {
  for (int descriptor = 0; (descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    const std::scoped_lock lock(mutex_);
    open_.push_back(descriptor);
    threads_.emplace_back([this, descriptor] {
      const Connection connection(descriptor);
      for (Received request; connection.receive(request); request = {}) answer_(connection, request);
      const std::scoped_lock closing(mutex_);
      std::erase(open_, descriptor);
      ::close(descriptor);
    });
  }
}

std::string plain_answer(int status, std::string_view body, std::string_view more_headers) {
  return std::format("HTTP/1.1 {} Answer\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more_headers, body);
}

}  // namespace llama::test
