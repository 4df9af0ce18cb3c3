#include "status_line.h"

#include <algorithm>

namespace llama {
namespace {

constexpr int kBarWidth = 20;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::milliseconds kPlainLine{5000};

}  // namespace

std::string bar(double fraction) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarWidth);
  std::string text = "[";
  for (int i = 0; i < kBarWidth; ++i) text += i < filled ? "█" : "░";
  return text + "]";
}

bool StatusLine::is_due() const { return Clock::now() - drawn_ >= (is_terminal_ ? kRedraw : kPlainLine); }

void StatusLine::draw(const std::string& line) {
  // \r goes to the line's start, ESC[K wipes what an earlier, longer line left.
  std::fputs(is_terminal_ ? ("\r" + line + "\033[K").c_str() : (line + "\n").c_str(), stream_);
  std::fflush(stream_);
  open_ = is_terminal_;
  drawn_ = Clock::now();
}

void StatusLine::finish(const std::string& line) {
  draw(line);
  if (open_) std::fputs("\n", stream_);
  open_ = false;
}

void StatusLine::clear() {
  if (!open_) return;
  std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
  open_ = false;
}

}  // namespace llama
