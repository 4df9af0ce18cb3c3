#include "llama-embedding/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/utf8.h"

namespace llama {
namespace {

constexpr std::size_t kBufferSize = 1 << 18;

// White space in the sense of Unicode's White_Space, as far as it makes a line blank.
bool is_blank(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      ++i;
      continue;
    }
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\xc2\xa0") || rest.starts_with("\xc2\x85")) {  // NO-BREAK SPACE, NEXT LINE
      i += 2;
      continue;
    }
    const bool space3 =
        rest.starts_with("\xe3\x80\x80") || rest.starts_with("\xe1\x9a\x80") || rest.starts_with("\xe2\x80\xa8") ||
        rest.starts_with("\xe2\x80\xa9") || rest.starts_with("\xe2\x80\xaf") || rest.starts_with("\xe2\x81\x9f") ||
        (rest.size() >= 3 && rest.starts_with("\xe2\x80") && static_cast<unsigned char>(rest[2]) <= 0x8a);
    if (!space3) return false;
    i += 3;
  }
  return true;
}

}  // namespace

struct LineReader::State {
  std::string name;
  int fd = -1;
  std::vector<char> buffer = std::vector<char>(kBufferSize);
  std::size_t begin = 0, end = 0;
  std::uint64_t line_number = 0;
  std::uint64_t blank = 0;
  bool at_end = false;

  ~State() {
    if (fd > 0) ::close(fd);
  }
  // Waits for bytes in short steps, so that a stop is noticed. Regular files are always ready.
  Result<void> wait(const std::stop_token& stop) const {
    pollfd poller{.fd = fd, .events = POLLIN, .revents = 0};
    while (::poll(&poller, 1, 100) <= 0) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    }
    return {};
  }
  Result<bool> fill(const std::stop_token& stop) {
    if (auto ready = wait(stop); !ready) return std::unexpected(ready.error());
    ssize_t count;
    do {
      count = ::read(fd, buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail(ErrorCode::Io, std::format("reading '{}' failed: {}", name, std::strerror(errno)));
    begin = 0;
    end = static_cast<std::size_t>(count);
    at_end = count == 0;
    return count > 0;
  }
  // Appends up to the next '\n'; false at the end of the input with nothing read.
  Result<bool> raw_line(std::string& line, const std::stop_token& stop) {
    line.clear();
    bool any = false;
    for (;;) {
      if (begin == end) {
        if (at_end) return any;
        const auto more = fill(stop);
        if (!more) return std::unexpected(more.error());
        if (!*more) return any;
      }
      any = true;
      const char* from = buffer.data() + begin;
      if (const void* found = std::memchr(from, '\n', end - begin)) {
        const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - from);
        line.append(from, length);
        begin += length + 1;
        return true;
      }
      line.append(from, end - begin);
      begin = end;
    }
  }
};

LineReader::LineReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;
std::uint64_t LineReader::blank_lines() const { return state_->blank; }

Result<LineReader> LineReader::open(const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  state->name = path == "-" ? "standard input" : path.string();
  if (path == "-") {
    state->fd = STDIN_FILENO;
    return LineReader(std::move(state));
  }
  state->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (state->fd < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR)
      return fail(ErrorCode::NotFound, std::format("input '{}' does not exist", state->name));
    return fail(ErrorCode::Io, std::format("input '{}' cannot be read: {}", state->name, std::strerror(error)));
  }
  struct stat status{};
  if (::fstat(state->fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::Io, std::format("input '{}' is a folder; name a text file", state->name));
  }
  return LineReader(std::move(state));
}

Result<std::optional<Line>> LineReader::next(const std::stop_token& stop) {
  State& state = *state_;
  Line line;
  for (;;) {
    const auto more = state.raw_line(line.text, stop);
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::nullopt;
    if (++state.line_number == 1 && line.text.starts_with("\xef\xbb\xbf")) line.text.erase(0, 3);
    if (line.text.ends_with('\r')) line.text.pop_back();
    if (is_blank(line.text)) {
      ++state.blank;
      continue;
    }
    line.number = state.line_number;
    line.valid_utf8 = internal::is_utf8(line.text);
    return line;
  }
}

Result<std::optional<TextCount>> count_texts(const std::filesystem::path& path) {
  std::error_code error;
  if (path == "-" || !std::filesystem::is_regular_file(path, error)) return std::nullopt;
  auto reader = LineReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  TextCount count;
  for (;;) {
    const auto line = reader->next();
    if (!line) return std::unexpected(line.error());
    if (!*line) return count;
    ++count.texts;
    count.bytes += (*line)->text.size();
  }
}

}  // namespace llama
