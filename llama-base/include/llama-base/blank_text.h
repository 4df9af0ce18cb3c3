// Tell texts of white space alone, which are nothing to read, from others.
//
// White space is Unicode's White_Space.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama::internal {

// How many bytes at the beginning are whole white-space characters.
[[nodiscard]] std::size_t white_space_at_start(std::string_view text);

[[nodiscard]] inline bool is_blank(std::string_view text) { return white_space_at_start(text) == text.size(); }

// The same for a text that comes in pieces, cut anywhere, of which nothing is kept.
class BlankTest {
 public:
  void add(std::string_view piece);
  [[nodiscard]] bool is_blank() const { return !has_text_ && rest_.empty(); }  // all pieces together

 private:
  bool has_text_ = false;
  std::string rest_;  // the beginning of what may be a white-space character: at most two bytes
};

}  // namespace llama::internal
