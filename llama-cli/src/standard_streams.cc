#include "standard_streams.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "llama-base/stoppable_output.h"

namespace llama {

#if defined(__GLIBC__)

// In the place of a standard stream, which is a variable.
// Source   the GNU C Library, "Standard Streams" and "Programming Your Own Custom Streams".
class StandardStreams::Stream {
 public:
  Stream(std::FILE*& place, int descriptor, const Interrupt& interrupt)
      : interrupt_(interrupt),
        output_(descriptor),
        is_for_errors_(descriptor == STDERR_FILENO),
        place_(place),
        before_(place) {
    struct stat status{};
    const bool is_terminal = ::isatty(descriptor) == 1;
    if (::fstat(descriptor, &status) != 0) return;
    if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !is_terminal) return;
    file_ = ::fopencookie(this, "w", {.read = nullptr, .write = put, .seek = nullptr, .close = nullptr});
    if (file_ == nullptr) return;
    std::setvbuf(file_, nullptr, is_for_errors_ ? _IONBF : is_terminal ? _IOLBF : _IOFBF, BUFSIZ);
    std::fflush(before_);
    place_ = file_;
  }
  ~Stream() {
    if (file_ == nullptr) return;
    place_ = before_;
    std::fclose(file_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] int signal() const { return signal_; }

 private:
  static ssize_t put(void* self, const char* bytes, std::size_t size) noexcept {
    auto& stream = *static_cast<Stream*>(self);
    const auto is_stopped = [&] { return stream.interrupt_.signal() != 0; };
    const std::error_code error = stream.output_.write({bytes, size}, is_stopped);
    if (!error) return static_cast<ssize_t>(size);
    // A chat may forgive the signal before somebody asks.
    if (stream.signal_ == 0 && error == std::errc::operation_canceled) stream.signal_ = stream.interrupt_.signal();
    // Lines for people are dropped then: libstdc++ ends the program where a long one fails twice.
    if (stream.is_for_errors_ && error == std::errc::operation_canceled) return static_cast<ssize_t>(size);
    errno = error.value();
    return 0;
  }

  const Interrupt& interrupt_;
  internal::StoppableOutput output_;  // under the lock of file_
  std::atomic<int> signal_{0};
  bool is_for_errors_;
  std::FILE*& place_;
  std::FILE* before_;
  std::FILE* file_ = nullptr;  // nothing: it never waits
};

StandardStreams::StandardStreams(const Interrupt& interrupt)
    : output_(std::make_unique<Stream>(stdout, STDOUT_FILENO, interrupt)),
      errors_(std::make_unique<Stream>(stderr, STDERR_FILENO, interrupt)) {}

int StandardStreams::output_status() const { return output_->signal() == 0 ? 0 : 128 + output_->signal(); }

int StandardStreams::exit_status() const {
  if (output_status() != 0) return output_status();
  return errors_->signal() == 0 ? 0 : 128 + errors_->signal();
}

#else

class StandardStreams::Stream {};
StandardStreams::StandardStreams(const Interrupt&) {}
int StandardStreams::output_status() const { return 0; }
int StandardStreams::exit_status() const { return 0; }

#endif

StandardStreams::~StandardStreams() = default;

}  // namespace llama
