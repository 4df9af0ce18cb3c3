#include "llama-base/whole_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <format>
#include <system_error>

#include "llama-base/disk.h"

namespace llama::internal {
namespace {

constexpr int kStopLookMs = 100;

std::unexpected<Error> unreadable(int number) {
  if (number == ENOENT || number == ENOTDIR) return fail(ErrorCode::NotFound, "no such file");
  if (number == EISDIR) return fail(ErrorCode::Io, "is a folder");
  return fail(ErrorCode::Io, std::format("cannot be read: {}", std::generic_category().message(number)));
}

}  // namespace

Result<std::string> read_to_end(int file, std::size_t max_bytes, const std::stop_token& stop) {
  std::string text;
  std::array<char, 1 << 16> block{};
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    pollfd ready{.fd = file, .events = POLLIN, .revents = 0};  // files are always
    if (::poll(&ready, 1, kStopLookMs) <= 0) continue;
    const ssize_t count = ::read(file, block.data(), block.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return unreadable(errno);
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > max_bytes)
      return fail(ErrorCode::InvalidArgument, max_bytes >> 20 > 0 ? std::format("longer than {} MiB", max_bytes >> 20)
                                                                  : std::format("longer than {} bytes", max_bytes));
  }
}

Result<std::string> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes,
                                    const std::stop_token& stop) {
  // Without O_NONBLOCK a pipe that nobody writes to would hold the process here, deaf to a stop.
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return unreadable(errno);
  return read_to_end(file.get(), max_bytes, stop);
}

}  // namespace llama::internal
