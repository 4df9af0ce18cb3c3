#include "stop_strings.h"

#include <algorithm>
#include <utility>

namespace llama::internal {

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::erase_if(strings_, [](const std::string& s) { return s.empty(); });
}

std::size_t held_back(std::string_view text, const std::vector<std::string>& strings) {
  std::size_t longest = 0;
  for (const auto& string : strings) {
    for (std::size_t n = std::min(string.size() - 1, text.size()); n > longest; --n) {
      if (text.ends_with(std::string_view(string).substr(0, n))) longest = n;
    }
  }
  return longest;
}

std::string StopStrings::push(std::string_view text) {
  if (found_) return {};
  held_ += text;
  std::size_t first = std::string::npos;
  for (const auto& string : strings_) {
    // Of two that begin at the same place the longer one is named.
    const std::size_t at = held_.find(string);
    if (at != std::string::npos && (at < first || (at == first && found_ && string.size() > found_->size()))) {
      first = at;
      found_ = string;
    }
  }
  if (found_) {
    std::string before = held_.substr(0, first);
    held_.clear();
    return before;
  }
  const std::size_t show = held_.size() - held_back(held_, strings_);
  std::string shown = held_.substr(0, show);
  held_.erase(0, show);
  return shown;
}

std::string StopStrings::finish() { return std::exchange(held_, {}); }

}  // namespace llama::internal
