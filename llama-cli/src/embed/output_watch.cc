#include "embed/output_watch.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace llama {
namespace {

bool is_pipe(int file) {
  struct stat status{};
  return ::fstat(file, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

}  // namespace

OutputWatch::OutputWatch(int file, std::stop_source stop) {
  if (!is_pipe(file) || ::pipe(wake_.data()) != 0) return;
  thread_ = std::thread([this, file, stop = std::move(stop)] { watch(file, stop); });
}

OutputWatch::~OutputWatch() {
  if (!thread_.joinable()) return;
  ::close(wake_[1]);
  thread_.join();
  ::close(wake_[0]);
}

void OutputWatch::watch(int file, const std::stop_source& stop) {
  std::array<pollfd, 2> files{pollfd{.fd = file, .events = 0, .revents = 0},
                              pollfd{.fd = wake_[0], .events = 0, .revents = 0}};
  while (::poll(files.data(), files.size(), -1) < 0 && errno == EINTR) continue;
  if ((files[0].revents & (POLLERR | POLLHUP)) == 0) return;
  is_closed_ = true;
  stop.request_stop();
}

}  // namespace llama
