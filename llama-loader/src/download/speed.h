// The speed of late, from how much there is by now.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace llama::internal {

class Speed {
 public:
  using Clock = std::chrono::steady_clock;

  // Bytes per second over the last five seconds; 0 at first. What was there at the first call does not count.
  double update(std::uint64_t bytes, Clock::time_point now = Clock::now()) {
    constexpr std::chrono::seconds kWindow{5};
    if (!samples_.empty() && bytes < samples_.back().bytes) samples_.clear();  // begun anew
    samples_.push_back({now, bytes});
    while (samples_.size() > 2 && now - samples_[1].when > kWindow) samples_.pop_front();
    const std::chrono::duration<double> span = now - samples_.front().when;
    return span.count() > 0 ? static_cast<double>(bytes - samples_.front().bytes) / span.count() : 0;
  }

 private:
  struct Sample {
    Clock::time_point when;
    std::uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

}  // namespace llama::internal
