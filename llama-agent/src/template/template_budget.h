// What a template has used up while it is rendered. Each of these throws where a bound is passed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <format>

#include "template_functions.h"

namespace llama::internal {

constexpr std::int64_t kMaxSteps = 500'000;  // of loops, macros and ranges
constexpr int kMaxMacroDepth = 64;
constexpr std::uintptr_t kMaxStack = std::uintptr_t{2} * 1024 * 1024;  // bytes, of macros that call each other
constexpr std::int64_t kMaxLooks = 1LL << 28;    // bytes and elements of all variables that were measured
constexpr std::int64_t kMaxWritten = 1LL << 27;  // bytes, those that a macro or a `{% set %}` keeps to itself included
constexpr std::int64_t kMaxJoined = 1LL << 30;   // bytes of all texts and lists that were put together

class TemplateBudget {
 public:
  void step(std::int64_t count = 1) {
    steps_ += count;
    if (steps_ > kMaxSteps) fail_template(std::format("it goes on for more than {} steps", kMaxSteps));
  }
  void look(std::int64_t size) {
    looked_ += size;
    if (looked_ > kMaxLooks) fail_template("it goes on for too long");
  }
  void write(std::int64_t bytes) {
    written_ += bytes;
    if (written_ > kMaxWritten) fail_template(std::format("it writes more than {} bytes", kMaxWritten));
  }
  void join(std::int64_t bytes) {
    joined_ += bytes;
    if (joined_ > kMaxJoined) fail_template(std::format("it joins more than {} bytes", kMaxJoined));
  }
  void enter() {
    const std::uintptr_t here = stack_place();
    const std::uintptr_t used = std::max(here, stack_) - std::min(here, stack_);
    if (++macros_ > kMaxMacroDepth || used > kMaxStack) fail_template("its macros call each other without end");
  }
  void leave() { --macros_; }

 private:
  static std::uintptr_t stack_place() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

  std::int64_t steps_ = 0, looked_ = 0, written_ = 0, joined_ = 0;
  int macros_ = 0;
  std::uintptr_t stack_ = stack_place();
};

}  // namespace llama::internal
