// What reading one schema may still cost, and whether anybody still waits for it.
//
// A schema of a few kilobytes can name a hundred thousand ranges of characters, repeat them a thousand times, and make
// sets of sets of schemas. Whoever does more than pass over the schema's text says here what it costs: ranges, states,
// instructions of compiled patterns, comparisons. Where nothing is left, it gives up.
// Units    one takes about ten nanoseconds.
// Threads  one reading has one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stop_token>
#include <utility>

namespace llama::internal {

constexpr std::size_t kMaxSchemaWork = 150'000'000;

class SchemaWork {
 public:
  explicit SchemaWork(std::size_t units = kMaxSchemaWork, std::stop_token stop = {})
      : left_(units), stop_(std::move(stop)) {}

  // A share of what is left, which must not outlive it: what is spent there is spent here too.
  [[nodiscard]] SchemaWork share(std::size_t units) {
    SchemaWork part(std::min(units, left_));
    part.whole_ = this;
    return part;
  }

  void spend(std::size_t units) {
    left_ -= std::min(left_, units);
    if (whole_ != nullptr) return whole_->spend(units);
    since_look_ += units;
    if (since_look_ < kUnitsBetweenLooks) return;
    since_look_ = 0;
    if (stop_.stop_requested()) is_stopped_ = true, left_ = 0;
  }

  [[nodiscard]] std::size_t left() const { return whole_ == nullptr ? left_ : std::min(left_, whole_->left()); }
  [[nodiscard]] bool is_over() const { return left() == 0; }
  [[nodiscard]] bool is_stopped() const { return is_stopped_; }

 private:
  static constexpr std::size_t kUnitsBetweenLooks = 100'000;
  std::size_t left_, since_look_ = 0;
  SchemaWork* whole_ = nullptr;
  std::stop_token stop_;
  bool is_stopped_ = false;
};

}  // namespace llama::internal
