// What reading one schema may still cost, and whether anybody still waits for it.
//
// A schema of a few kilobytes can name a hundred thousand ranges of characters, repeat them a thousand times, and make
// sets of sets of schemas. Whoever does more than pass over the schema's text says here what it costs: ranges, states,
// instructions of compiled patterns, comparisons. Where nothing is left, it gives up. What is spent depends on the
// schema alone, not on what the process has read before: so do its grammar and its refusal.
// Units    one takes about ten nanoseconds.
// Threads  one reading has one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace llama::internal {

constexpr std::size_t kMaxSchemaWork = 150'000'000;

class SchemaWork {
 public:
  // granted: what others have left of what they share. A reading that needs more ends as one that is stopped.
  explicit SchemaWork(std::size_t units = kMaxSchemaWork, std::stop_token stop = {},
                      std::size_t granted = std::numeric_limits<std::size_t>::max())
      : left_(units), granted_(granted), stop_(std::move(stop)) {}

  // A share of what is left, which must not outlive it: what is spent there is spent here too.
  [[nodiscard]] SchemaWork share(std::size_t units) {
    SchemaWork part(std::min(units, left_));
    part.whole_ = this;
    return part;
  }

  void spend(std::size_t units) {
    const std::size_t taken = std::min(left_, units);
    left_ -= taken;
    if (whole_ != nullptr) return whole_->spend(units);
    spent_ += taken;
    if (is_beyond_grant()) left_ = 0;
    since_look_ += units;
    if (since_look_ < kUnitsBetweenLooks) return;
    since_look_ = 0;
    if (stop_.stop_requested()) is_stopped_ = true, left_ = 0;
  }

  // What costs something the first time that this reading comes to it, as what the whole process keeps does.
  void spend_once(std::string_view what, std::size_t units) {
    SchemaWork* all = this;
    while (all->whole_ != nullptr) all = all->whole_;
    if (all->met_.emplace(what).second) spend(units);
  }

  [[nodiscard]] std::size_t left() const { return whole_ == nullptr ? left_ : std::min(left_, whole_->left()); }
  [[nodiscard]] bool is_over() const { return left() == 0; }
  [[nodiscard]] bool is_stopped() const { return is_stopped_; }
  [[nodiscard]] bool is_beyond_grant() const { return spent_ > granted_; }
  [[nodiscard]] std::size_t spent() const { return spent_; }

 private:
  static constexpr std::size_t kUnitsBetweenLooks = 100'000;
  std::size_t left_, spent_ = 0, granted_, since_look_ = 0;
  std::set<std::string, std::less<>> met_;
  SchemaWork* whole_ = nullptr;
  std::stop_token stop_;
  bool is_stopped_ = false;
};

}  // namespace llama::internal
