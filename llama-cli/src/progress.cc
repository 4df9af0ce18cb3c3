#include "progress.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace llama {
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
    return std::format("{}: {} {} - {} elapsed", name, with_thousands(state.done), state.unit,
                       format_duration(state.elapsed));
  const double fraction = std::clamp(state.fraction, 0.0, 1.0);
  std::string line =
      std::format("{}: {} {}/{} ({}%) - {} elapsed", name, bar(fraction), with_thousands(state.done),
                  with_thousands(*state.total), static_cast<int>(fraction * 100), format_duration(state.elapsed));
  const double since = fraction - state.fraction_before;
  if (since > 0 && fraction < 1)
    line +=
        std::format(", {} left", format_duration((state.elapsed - state.elapsed_before) * ((1 - fraction) / since)));
  return line;
}

Progress::Progress(std::FILE* stream, bool is_terminal, std::string_view name, std::optional<std::uint64_t> total,
                   std::string_view unit)
    : name_(name), unit_(unit), total_(total), line_(stream, is_terminal) {}

std::string Progress::line(std::uint64_t done, double fraction) const {
  return progress_line(name_, {.done = done,
                               .total = total_,
                               .fraction = fraction,
                               .elapsed = Clock::now() - started_,
                               .fraction_before = fraction_before_,
                               .elapsed_before = elapsed_before_,
                               .unit = unit_});
}

// What was done before is read and found in a moment: it is shown as done from the beginning.
void Progress::update(std::uint64_t done, double fraction) {
  if (before_ > 0 && done <= before_) {
    const double share = total_ && *total_ > 0 ? static_cast<double>(before_) / static_cast<double>(*total_) : 0;
    done = before_;
    fraction = fraction_before_ = std::max(fraction, share);
    elapsed_before_ = Clock::now() - started_;
  }
  if (line_.is_due()) line_.draw(line(done, fraction));
}

void Progress::finish(std::uint64_t done) { line_.finish(line(done, 1)); }

void Progress::clear() { line_.clear(); }

}  // namespace llama
