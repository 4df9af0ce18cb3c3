// Take JSON apart into the values of an array, or of one after the other, with the lines on which they begin.
//
// What a value holds is not looked at but for its quotes and brackets: this finds the places of broken JSON, for
// people.
// Cost     a look at each byte; memory: one value.
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

struct JsonElement {
  std::string text;
  std::uint64_t line = 1;  // on which it begins
};

struct JsonFault {
  std::uint64_t line = 1;
  std::string_view what;
};

class JsonElements {
 public:
  explicit JsonElements(bool is_array) : is_array_(is_array), place_(is_array ? Place::Begin : Place::Next) {}

  // The next bytes of the file; values that end in them go to the end of `out`. Nothing is done after a fault.
  void append(std::string_view bytes, std::vector<JsonElement>& out);
  void end(std::vector<JsonElement>& out);  // of the file

  // What is wrong between the values.
  [[nodiscard]] const std::optional<JsonFault>& fault() const { return fault_; }

 private:
  enum class Place { Begin, Next, Value, After, End };
  void step(char c, std::vector<JsonElement>& out);
  void step_between(char c);
  void step_in_value(char c, std::vector<JsonElement>& out);
  void finish_value(std::vector<JsonElement>& out);
  void break_off(std::string_view what) { fault_ = JsonFault{line_, what}; }

  bool is_array_;
  Place place_;
  bool after_comma_ = false;
  JsonElement value_;
  std::size_t depth_ = 0;
  bool is_scalar_ = false, is_string_ = false, is_escaped_ = false;
  std::uint64_t line_ = 1;
  std::optional<JsonFault> fault_;
};

}  // namespace llama::internal
