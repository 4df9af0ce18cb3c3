// Read JSON that comes in pieces: the characters of a string, the extent of a value.
//
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>

namespace llama::internal {

// The characters between a string's quotes.
class JsonString {
 public:
  // Takes the next byte behind the opening quote. False for the closing one: the string is whole.
  bool push(char c, std::string& text);

 private:
  void unit(std::uint32_t code, std::string& text);

  bool escaped_ = false;
  int digits_ = 0;               // of \uXXXX that are still to come
  std::uint32_t code_ = 0;       // of \uXXXX so far
  std::uint32_t surrogate_ = 0;  // the first half of a pair
};

// A value as it is written, with what models get wrong put right: a comma before a closing bracket is left out, and a
// line break inside a string is escaped.
class JsonValue {
 public:
  enum class Took { Part, Last, Nothing };  // Last: the value is whole. Nothing: it was whole before this byte.
  // Takes the next byte; the first one is no white space.
  Took push(char c, std::string& json);

 private:
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false, is_scalar_ = false;
  std::string comma_;  // and the white space after it
};

}  // namespace llama::internal
