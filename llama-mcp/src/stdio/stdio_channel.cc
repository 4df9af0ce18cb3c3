#include "stdio/stdio_channel.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <format>
#include <utility>

#include "llama-base/utf8.h"
#include "llama-base/utf8_stream.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kReadBytes = 65'536, kKeptWords = 4'093;  // and the mark of a cut
constexpr std::chrono::milliseconds kLastWordsTime{500}, kSurvivorsTime{200};
constexpr std::chrono::milliseconds kAskForEnd{250};  // where nothing tells us that the child ended
constexpr std::chrono::milliseconds kLongestWait{3'600'000};

std::string valid_utf8(std::string_view text) { return is_utf8(text) ? std::string(text) : whole_characters(text); }

// A write to a pipe that nobody reads must be an error of write(), not the end of the program; and the program's own
// signals are for its own threads.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

StdioChannel::StdioChannel(McpServerConfig config, const McpClientOptions& options)
    : config_(std::move(config)),
      options_(options),
      lines_(options.max_message_bytes,
             {.line = [this](std::string_view line) { take_line(line); },
              .too_long = [this](std::string_view head, std::string_view tail) { take_long_line(head, tail); }}) {}

Result<void> StdioChannel::open(ChannelReceiver& receiver, const std::stop_token& stop) {
  (void)stop;  // a process is started in milliseconds
  receiver_ = &receiver;
  auto pipe = make_pipe();
  if (!pipe) return std::unexpected(std::move(pipe.error()));
  wake_pipe_ = std::move(*pipe);
  set_non_blocking(wake_pipe_.read);
  set_non_blocking(wake_pipe_.write);
  thread_ = std::jthread([this] { run(); });
  std::unique_lock lock(mutex_);
  started_.wait(lock, [&] { return start_.has_value(); });
  return *start_;
}

Result<void> StdioChannel::send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) {
  (void)deadline, (void)stop;
  const std::scoped_lock lock(mutex_);
  if (is_closing_) return fail(ErrorCode::Cancelled, "closed");
  if (is_ended_) return fail(ErrorCode::Network, "it has ended");
  if (is_input_closed_) return fail(ErrorCode::Network, "it has closed its input");
  if (!output_.empty() && output_bytes_ + message.json.size() > options_.max_message_bytes) {
    return fail(ErrorCode::Busy, std::format("it does not read its input: {} messages wait", output_.size()));
  }
  output_bytes_ += message.json.size() + 1;
  output_.push_back(std::move(message.json) + "\n");
  wake();
  return {};
}

void StdioChannel::close() {
  {
    const std::scoped_lock lock(mutex_);
    is_closing_ = true;
    if (wake_pipe_.write.is_open()) wake();
  }
  if (thread_.joinable()) thread_.join();
}

std::string StdioChannel::last_words() const {
  const std::scoped_lock lock(mutex_);
  return (is_cut_ ? "…" : "") + valid_utf8(last_words_);
}

std::uint64_t StdioChannel::stray_lines() const {
  const std::scoped_lock lock(mutex_);
  return stray_lines_;
}

bool StdioChannel::is_closing() const {
  const std::scoped_lock lock(mutex_);
  return is_closing_;
}

bool StdioChannel::has_output() const {
  const std::scoped_lock lock(mutex_);
  return !output_.empty();
}

void StdioChannel::wake() const {
  // A full pipe wakes as well.
  [[maybe_unused]] const auto written = write(wake_pipe_.write.get(), "", 1);
}

void StdioChannel::run() {
  block_signals();
  auto child = ChildProcess::start(config_);
  {
    const std::scoped_lock lock(mutex_);
    start_ = child ? Result<void>() : std::unexpected(child.error());
    is_ended_ = !child;
    started_.notify_all();
  }
  if (!child) return;
  const auto end = converse(*child);
  const bool was_asked = is_closing();
  child->finish();
  {
    const std::scoped_lock lock(mutex_);
    is_ended_ = true;
  }
  if (was_asked) return;
  if (!lines_.rest().empty()) take_line(std::string(lines_.rest()));
  receiver_->ended({ErrorCode::Network, end ? std::format("it ended with {}", *end) : "it closed its output"});
}

// The phases of the picture in the header, until nothing is left to wait for. How the child ended, if it did by itself.
std::optional<std::string> StdioChannel::converse(ChildProcess& child) {
  const Descriptor notice = child.end_notice();
  Phase phase = Phase::Running;
  std::optional<Clock::time_point> deadline;
  std::optional<std::string> end;
  const auto enter = [&](Phase next, std::chrono::milliseconds time) {
    phase = next;
    deadline = Clock::now() + time;
  };
  bool has_survivors = false;
  while (true) {
    const bool had_ended = end.has_value();
    if (!had_ended) end = child.end();
    if (end && !child.output.is_open() && !child.errors.is_open()) return end;
    if ((phase == Phase::Running || phase == Phase::Ending) && is_closing())
      enter(Phase::Closing, options_.close_time_limit);
    if (phase == Phase::Running && (end || !child.output.is_open())) enter(Phase::Ending, kLastWordsTime);
    if (phase == Phase::Closing && !has_output()) child.input.reset();
    if (end && !has_survivors && (phase == Phase::Closing || phase == Phase::Terminating)) {
      has_survivors = true;
      child.signal_group(SIGTERM);
      enter(Phase::Terminating, kSurvivorsTime);
    }
    if (deadline && Clock::now() >= *deadline) {
      if (phase != Phase::Closing) return end;
      child.input.reset();
      child.signal_group(SIGTERM);
      enter(Phase::Terminating, options_.close_time_limit);
    }
    wait(child, end ? -1 : notice.get(), !end && !notice.is_open(), deadline);
  }
}

void StdioChannel::wait(ChildProcess& child, int notice, bool must_ask, std::optional<Clock::time_point> deadline) {
  auto time = must_ask ? kAskForEnd : kLongestWait;
  if (deadline) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
    time = std::clamp(rest, std::chrono::milliseconds(0), time);
  }
  // A negative descriptor is left out by poll().
  std::array<pollfd, 5> all{pollfd{wake_pipe_.read.get(), POLLIN, 0}, pollfd{notice, POLLIN, 0},
                            pollfd{child.output.get(), POLLIN, 0}, pollfd{child.errors.get(), POLLIN, 0},
                            pollfd{has_output() ? child.input.get() : -1, POLLOUT, 0}};
  if (poll(all.data(), all.size(), static_cast<int>(time.count())) <= 0) return;
  if (all[0].revents != 0) {
    std::array<char, 256> woken{};
    while (read(wake_pipe_.read.get(), woken.data(), woken.size()) > 0) {
    }
  }
  if (all[2].revents != 0) read_some(child.output, true);
  if (all[3].revents != 0) read_some(child.errors, false);
  if (all[4].revents != 0) write_some(child);
}

void StdioChannel::read_some(Descriptor& from, bool is_output) {
  std::array<char, kReadBytes> bytes;
  const ssize_t got = read(from.get(), bytes.data(), bytes.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return from.reset();
  const std::string_view read(bytes.data(), static_cast<std::size_t>(got));
  if (is_output)
    lines_.push(read);
  else
    keep_words(read);
}

void StdioChannel::write_some(ChildProcess& child) {
  const std::scoped_lock lock(mutex_);
  while (!output_.empty()) {
    const std::string& first = output_.front();
    const ssize_t put = write(child.input.get(), first.data() + written_, first.size() - written_);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put < 0) {
      // It has closed its input, and may still answer what it has read.
      is_input_closed_ = true;
      child.input.reset();
      output_.clear();
      output_bytes_ = written_ = 0;
      return;
    }
    written_ += static_cast<std::size_t>(put);
    if (written_ < first.size()) return;
    output_bytes_ -= first.size();
    written_ = 0;
    output_.pop_front();
  }
}

void StdioChannel::take_line(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos || is_closing()) return;
  if (line[begin] == '{' || line[begin] == '[') return receiver_->message(valid_utf8(line));
  {
    const std::scoped_lock lock(mutex_);
    ++stray_lines_;
  }
  // What a program writes in the wrong place is often why it ends.
  keep_words(first_part(line, kKeptWords / 2) + "\n");
}

void StdioChannel::take_long_line(std::string_view head, std::string_view tail) {
  if (is_closing()) return;
  receiver_->failed(
      id_of_skipped(head, tail).value_or(""),
      {ErrorCode::Network, std::format("it sent a message of more than {} bytes", options_.max_message_bytes)});
}

void StdioChannel::keep_words(std::string_view words) {
  const std::scoped_lock lock(mutex_);
  last_words_ += words;
  if (last_words_.size() <= kKeptWords) return;
  last_words_.erase(0, last_words_.size() - kKeptWords);
  is_cut_ = true;
}

std::unique_ptr<McpChannel> make_stdio_channel(const McpServerConfig& config, const McpClientOptions& options) {
  return std::make_unique<StdioChannel>(config, options);
}

}  // namespace llama::internal
