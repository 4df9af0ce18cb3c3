#include "byte_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

constexpr int kStopCheckMilliseconds = 100;

}  // namespace

ByteInput::ByteInput(std::string name, FileHandle owned, int descriptor)
    : name_(std::move(name)), owned_(std::move(owned)), descriptor_(descriptor) {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (const off_t at = ::lseek(descriptor_, 0, SEEK_CUR); at >= 0) start_ = at;
}

Result<ByteInput> ByteInput::open(const std::filesystem::path& path) {
  if (path == "-") return ByteInput("standard input", FileHandle(), STDIN_FILENO);
  std::string name = std::format("input '{}'", path.string());
  // Without O_NONBLOCK a FIFO that nobody writes to would hold the process here, deaf to a stop request.
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return fail(ErrorCode::NotFound, std::format("{} does not exist", name));
    return fail(ErrorCode::Io, std::format("{} cannot be read: {}", name, std::strerror(error)));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode))
    return fail(ErrorCode::Io, std::format("{} is a folder; name a text file", name));
  const int descriptor = file.get();
  return ByteInput(std::move(name), std::move(file), descriptor);
}

bool ByteInput::is_ready() const {
  if (is_regular()) return true;
  pollfd poller{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&poller, 1, 0) > 0;
}

Result<std::size_t> ByteInput::read(std::span<char> buffer, const std::stop_token& stop) const {
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    // In short steps, so that a stop is noticed. Regular files are always ready.
    pollfd poller{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (!is_regular() && ::poll(&poller, 1, kStopCheckMilliseconds) <= 0) continue;
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) continue;
    return fail(ErrorCode::Io, std::format("reading {} failed: {}", name_, std::strerror(errno)));
  }
}

std::uint64_t ByteInput::size_bytes() const {
  struct stat status{};
  if (!start_ || ::fstat(descriptor_, &status) != 0) return 0;
  return static_cast<std::uint64_t>(std::max<off_t>(0, status.st_size - *start_));
}

std::size_t ByteInput::peek(std::span<char> buffer) const {
  if (!start_) return 0;
  const ssize_t count = ::pread(descriptor_, buffer.data(), buffer.size(), *start_);
  return static_cast<std::size_t>(std::max<ssize_t>(0, count));
}

Result<void> ByteInput::rewind() const {
  if (start_ && ::lseek(descriptor_, *start_, SEEK_SET) == *start_) return {};
  return fail(ErrorCode::Io,
              std::format("{} cannot be read from its beginning again: {}", name_, std::strerror(errno)));
}

}  // namespace llama::internal
