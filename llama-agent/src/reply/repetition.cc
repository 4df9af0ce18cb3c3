#include "llama-agent/repetition.h"

#include <algorithm>
#include <format>

namespace llama {

Result<void> check(const RepetitionConfig& c) {
  const auto wrong = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  if (c.min_pattern_length < 1 || c.min_pattern_length > 500) {
    return wrong(std::format("repetition: a shortest pattern of {} is not between 1 and 500", c.min_pattern_length));
  }
  if (c.max_pattern_length < c.min_pattern_length || c.max_pattern_length > 2000) {
    return wrong(std::format("repetition: a longest pattern of {} is not between {} and 2000", c.max_pattern_length,
                             c.min_pattern_length));
  }
  if (c.min_repetitions < 2) return wrong("repetition: a pattern must come at least 2 times");
  if (c.window_size < 1 || c.window_size > 50'000) {
    return wrong(std::format("repetition: a window of {} is not between 1 and 50000", c.window_size));
  }
  return {};
}

RepetitionDetector::RepetitionDetector(const RepetitionConfig& config)
    : config_(config),
      recent_(static_cast<std::size_t>(config.max_pattern_length)),
      matches_(static_cast<std::size_t>(config.max_pattern_length) + 1) {}

std::optional<std::string> RepetitionDetector::push(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) ++length;
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(length);
    const std::size_t size = recent_.size();
    for (auto n = static_cast<std::size_t>(config_.min_pattern_length); n <= std::min(size, count_); ++n) {
      std::int32_t& run = matches_[n];
      run = recent_[(count_ - n) % size] == character ? run + 1 : 0;
      const auto pattern = static_cast<std::int32_t>(n);
      const std::int64_t whole = std::int64_t{pattern} * config_.min_repetitions;
      if (run >= whole - pattern && whole <= config_.window_size) {
        std::string found;
        for (std::size_t i = count_ - n + 1; i < count_; ++i) found += recent_[i % size];
        return found += character;
      }
    }
    recent_[count_ % size] = character;
    ++count_;
  }
  return std::nullopt;
}

}  // namespace llama
