// What chat templates may call beyond what minja has: filters, and methods of texts, lists and dicts.
//
// They may throw, as minja's own do: Jinja::render() catches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "minja_engine.h"

namespace llama::internal {

using TemplateFunction = std::function<minja::Value(const std::vector<minja::Value>& arguments,
                                                    const std::vector<std::pair<std::string, minja::Value>>& named)>;

[[nodiscard]] minja::Value callable(TemplateFunction body);

// Throws where it is missing.
[[nodiscard]] const minja::Value& argument(const std::vector<minja::Value>& arguments, std::size_t i);
[[nodiscard]] std::string text_of(const minja::Value& value);  // "" for nothing

constexpr std::int64_t kMaxValueSize =
    std::int64_t{8} * 1024 * 1024;  // bytes and elements of a variable, and of the output

constexpr std::int64_t kElementBytes = 16;  // that an element counts besides its text: it takes more than that

constexpr int kMaxValueDepth = 256;  // more than kMaxJsonDepth, with what a message has around it

// Bytes of texts and of elements, and elements of lists; just above kMaxValueSize where there are more, or where they
// stand too deep in each other.
struct ValueSize {
  std::int64_t size = 0, elements = 0;
};
[[nodiscard]] ValueSize measured(const minja::Value& value);
[[nodiscard]] std::int64_t size_of(const minja::Value& value);
// These throw.
[[noreturn]] void fail_template(const std::string& reason);
void refuse_large(std::int64_t size);

void add_filters(minja::Context& context);
// "llama_split" and so on: what template_methods.h puts in the place of `.split()`.
void add_methods(minja::Context& context);
// "llama_times", "llama_slice" and so on: what it puts in the place of operators and brackets.
void add_operators(minja::Context& context);

}  // namespace llama::internal
