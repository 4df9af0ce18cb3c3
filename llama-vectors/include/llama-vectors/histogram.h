// Count numbers in bins whose width fits itself to them, in one pass and in any order.
//
// Bins are as wide as a power of two and begin at a multiple of it: when the numbers no longer fit into kMaxBins, two
// neighbours become one. So the bins depend on the least and the greatest number alone, and not on the order in which
// numbers came or on who counted which: histograms of threads add up.
#pragma once

#include <cstdint>
#include <vector>

namespace llama {

class Histogram {
 public:
  static constexpr std::int64_t kMaxBins = 16;

  struct Bin {
    double low, high;  // low <= number < high
    std::uint64_t count;
  };

  void add(double number, std::uint64_t count = 1);  // requires a finite number
  void merge(const Histogram& other);
  // From the least number's to the greatest's; {} where there is none. More than kMaxBins / 2 where the numbers
  // differ by more than a thousand-millionth.
  [[nodiscard]] std::vector<Bin> bins() const;

 private:
  void coarsen(int exponent);
  void add_place(std::int64_t place, int exponent, std::uint64_t count);
  int exponent_ = -1000;  // bins are 2^exponent_ wide
  std::int64_t first_ = 0;
  std::vector<std::uint64_t> counts_;  // of bins first_, first_ + 1, …
};

}  // namespace llama
