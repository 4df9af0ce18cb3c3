#include "progress.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace llama {
namespace {

constexpr int kBarWidth = 20;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{5};

}  // namespace

std::string with_thousands(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string format_duration(std::chrono::duration<double> duration) {
  const double seconds = std::max(0.0, duration.count());
  if (seconds < 59.95) return std::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return std::format("{}m {:02}s", whole / 60, whole % 60);
  return std::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

std::string format_size(std::uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1e3) return std::format("{} bytes", bytes);
  if (size < 1e6) return std::format("{:.1f} kB", size / 1e3);
  if (size < 1e9) return std::format("{:.1f} MB", size / 1e6);
  return std::format("{:.2f} GB", size / 1e9);
}

std::string progress_line(std::string_view name, const ProgressState& state) {
  if (!state.total)
    return std::format("{}: {} texts - {} elapsed", name, with_thousands(state.done), format_duration(state.elapsed));
  const double fraction = std::clamp(state.fraction, 0.0, 1.0);
  const int filled = static_cast<int>(fraction * kBarWidth);
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  std::string line =
      std::format("{}: [{}] {}/{} ({}%) - {} elapsed", name, bar, with_thousands(state.done),
                  with_thousands(*state.total), static_cast<int>(fraction * 100), format_duration(state.elapsed));
  if (fraction > 0 && fraction < 1)
    line += std::format(", {} left", format_duration(state.elapsed * ((1 - fraction) / fraction)));
  return line;
}

Progress::Progress(std::FILE* stream, bool is_terminal, std::string_view name, std::optional<std::uint64_t> total)
    : name_(name), stream_(stream), is_terminal_(is_terminal), total_(total) {}

Progress::~Progress() { clear(); }

void Progress::draw(std::uint64_t done, double fraction) {
  const std::string line =
      progress_line(name_, {.done = done, .total = total_, .fraction = fraction, .elapsed = Clock::now() - started_});
  // \r goes to the line's start, ESC[K wipes what an earlier, longer line left.
  std::fputs(is_terminal_ ? ("\r" + line + "\033[K").c_str() : (line + "\n").c_str(), stream_);
  std::fflush(stream_);
  line_open_ = is_terminal_;
  drawn_ = Clock::now();
}

void Progress::update(std::uint64_t done, double fraction) {
  if (Clock::now() - drawn_ >=
      (is_terminal_ ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kPlainLine)))
    draw(done, fraction);
}

void Progress::finish(std::uint64_t done) {
  draw(done, 1);
  if (line_open_) std::fputs("\n", stream_);
  line_open_ = false;
}

void Progress::clear() {
  if (!line_open_) return;
  std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
  line_open_ = false;
}

}  // namespace llama
