// Add numbers up to a distribution.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "llama-vectors/inspection.h"

namespace llama::internal {

class DistributionCount {
 public:
  void add(double number) {
    add_many(1, number, number, number);
    made_.histogram.add(number);
  }
  // Numbers whose histogram is counted elsewhere.
  void add_many(std::uint64_t count, double sum, double least, double greatest) {
    made_.count += count;
    sum_ += sum;
    least_ = std::min(least_, least);
    greatest_ = std::max(greatest_, greatest);
  }
  void merge(const DistributionCount& other) {
    add_many(other.made_.count, other.sum_, other.least_, other.greatest_);
    made_.histogram.merge(other.made_.histogram);
  }
  [[nodiscard]] Distribution distribution() const {
    Distribution made = made_;
    if (made.count == 0) return made;
    made.least = least_;
    made.greatest = greatest_;
    made.mean = sum_ / static_cast<double>(made.count);
    return made;
  }

 private:
  Distribution made_;
  double sum_ = 0;
  double least_ = std::numeric_limits<double>::infinity(), greatest_ = -std::numeric_limits<double>::infinity();
};

}  // namespace llama::internal
