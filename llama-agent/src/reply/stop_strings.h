// Let a text through up to the first stop string, and never a part of one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> strings);

  // What may be shown now. After a stop string came, nothing.
  [[nodiscard]] std::string push(std::string_view text);
  // What was held back is text after all.
  [[nodiscard]] std::string finish();
  // The stop string that came.
  [[nodiscard]] const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;  // the beginning of a stop string, maybe
  std::optional<std::string> found_;
};

// Of a text, the longest end with which one of the strings begins (but is not whole).
[[nodiscard]] std::size_t held_back(std::string_view text, const std::vector<std::string>& strings);

}  // namespace llama::internal
