#include "read/pipe_feed.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

constexpr int kFeedStopCheckMs = 100;

// False at a stop.
Result<bool> write_whole(int descriptor, std::span<const char> bytes, const std::stop_token& stop) {
  while (!bytes.empty()) {
    if (stop.stop_requested()) return false;
    pollfd poller{.fd = descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&poller, 1, kFeedStopCheckMs) <= 0) continue;
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return fail(ErrorCode::Io, std::format("a pipe cannot be written: {}", std::strerror(errno)));
    }
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<PipeFeed>> PipeFeed::start(std::unique_ptr<InputBytes> reader, RewriteBytes rewrite) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return fail(ErrorCode::Io, std::format("no pipe can be made: {}", std::strerror(errno)));
  FileHandle read_end(ends[0]), write_end(ends[1]);
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  ::fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<PipeFeed>(
      new PipeFeed(std::move(reader), std::move(rewrite), std::move(read_end), std::move(write_end)));
}

PipeFeed::PipeFeed(std::unique_ptr<InputBytes> reader, RewriteBytes rewrite, FileHandle read_end, FileHandle write_end)
    : reader_(std::move(reader)),
      rewrite_(std::move(rewrite)),
      name_(reader_->name()),
      path_(std::format("/dev/fd/{}", read_end.get())),
      read_end_(std::move(read_end)),
      write_end_(std::move(write_end)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void PipeFeed::run(const std::stop_token& stop) {
  std::array<char, 1 << 16> buffer{};
  std::string rewritten;
  for (;;) {
    const auto count = reader_->read(buffer, stop);
    std::span<const char> bytes = std::span(buffer).first(count.value_or(0));
    if (rewrite_) {
      rewritten.clear();
      rewrite_({bytes.data(), bytes.size()}, rewritten);
      bytes = rewritten;
    }
    auto written = count ? write_whole(write_end_.get(), bytes, stop) : Result<bool>(std::unexpected(count.error()));
    if (!written) {
      const std::scoped_lock lock(mutex_);
      error_ = written.error();
    }
    if (!written || !*written || *count == 0) break;
  }
  write_end_ = FileHandle();
}

std::optional<Error> PipeFeed::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

void PipeFeeds::stop() {
  for (const auto& feed : feeds_) feed->stop();
}

std::optional<Error> PipeFeeds::error() const {
  for (const auto& feed : feeds_)
    if (auto error = feed->error()) return error;
  return std::nullopt;
}

Error PipeFeeds::told(Error error) const {
  if (auto fed = this->error()) return *fed;
  for (const auto& feed : feeds_)
    for (const std::string& path : {std::format("file '{}'", feed->path()), feed->path()})
      if (const std::size_t at = error.message.find(path); at != std::string::npos) {
        error.message.replace(at, path.size(), feed->name());
        return error;
      }
  return error;
}

}  // namespace llama::internal
