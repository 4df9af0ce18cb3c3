// Find the strings in a text that are tokens as a whole ("[MASK]"), and what lies between them.
//
// Where several fit, the first that begins, and of those the longest.
// Cost  linear in the text times the longest of the strings.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "llama-core/model.h"
#include "longest_match.h"

namespace llama::internal {

class AddedTokens {
 public:
  // False when there are too many (LongestMatch). Empty strings are ignored.
  [[nodiscard]] bool add(std::string_view content, Token token) {
    if (content.empty()) return true;
    starts_[static_cast<unsigned char>(content[0])] = true;
    return tokens_.add(content, token);
  }
  [[nodiscard]] bool empty() const { return tokens_.empty(); }

  // Calls between(part) for what lies between the tokens and found(token) for each of them, in order.
  template <class Between, class Found>
  void split(std::string_view text, const Between& between, const Found& found) const {
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto match = starts_[static_cast<unsigned char>(text[at])] ? tokens_.find(text.substr(at)) : std::nullopt;
      if (!match) {
        ++at;
        continue;
      }
      if (at > begin) between(text.substr(begin, at - begin));
      found(match->value);
      begin = at += match->length;
    }
    if (begin < text.size()) between(text.substr(begin));
  }

 private:
  std::array<bool, 256> starts_{};
  LongestMatch tokens_;
};

}  // namespace llama::internal
