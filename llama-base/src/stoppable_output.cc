#include "llama-base/stoppable_output.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <format>
#include <optional>
#include <utility>

namespace llama::internal {
namespace {

constexpr int kFullCheckMs = 50;

// Opened anew. Never as one of the three that a program is given: where one of these is closed, it stays so.
FileHandle reopened(int descriptor) {
  FileHandle own(
      ::open(std::format("/proc/self/fd/{}", descriptor).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own || own.get() > STDERR_FILENO) return own;
  return FileHandle(::fcntl(own.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace

// To have the descriptor itself not block would have other programs not block either that share it. So a pipe or a
// terminal is opened once more; where that is not allowed it gets no more at once than a pipe has room for that is not
// full.
StoppableOutput::StoppableOutput(int descriptor) : descriptor_(descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return;
  if (S_ISSOCK(status.st_mode)) way_ = Way::Socket;
  is_terminal_ = ::isatty(descriptor) == 1;
  if (!S_ISFIFO(status.st_mode) && !is_terminal_) return;
  if ((::fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0) return;
  own_ = reopened(descriptor);
  if (own_)
    descriptor_ = own_.get();
  else
    way_ = Way::Pieces;
}

std::ptrdiff_t StoppableOutput::write_some(std::string_view bytes) const {
  if (way_ == Way::Socket) return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  const std::size_t size = way_ == Way::Pieces ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
  return ::write(descriptor_, bytes.data(), size);
}

// Bytes that the other end has not taken yet: a full pipe has room again only once a whole page of it was read.
int StoppableOutput::untaken() const {
  int count = 0;
  const unsigned long question = is_terminal_ ? TIOCOUTQ : way_ == Way::Socket ? SIOCOUTQ : FIONREAD;
  return ::ioctl(descriptor_, question, &count) == 0 ? count : 0;
}

std::error_code StoppableOutput::write(std::string_view bytes, const std::function<bool()>& is_stopped) {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> until;  // nothing: no stop was seen since bytes were last taken
  int waiting = untaken();
  while (!bytes.empty()) {
    if (is_given_up_) return std::make_error_code(std::errc::operation_canceled);
    // A pipe with a little room says that it has none, and takes it all the same.
    pollfd place{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    const bool may_try = way_ != Way::Pieces || ::poll(&place, 1, kFullCheckMs) > 0;
    const std::ptrdiff_t count = may_try ? write_some(bytes) : 0;
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      until.reset();
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return {errno, std::generic_category()};
    if (const int now = untaken(); std::exchange(waiting, now) > now) until.reset();
    if (is_stopped()) {
      if (!until) until = Clock::now() + kStoppedPatience;
      is_given_up_ = Clock::now() >= *until;
    }
    // A terminal may have room, and too little for a line's end.
    if (::poll(&place, 1, kFullCheckMs) > 0 && is_terminal_) ::poll(nullptr, 0, 1);
  }
  return {};
}

}  // namespace llama::internal
