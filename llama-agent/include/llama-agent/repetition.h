// Notice that a text says the same again and again.
//
// Cost     one comparison per character and pattern length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// Units: characters (Unicode code points).
struct RepetitionConfig {
  std::int32_t min_pattern_length = 10;   // 1 to 500
  std::int32_t max_pattern_length = 100;  // to 2,000
  std::int32_t min_repetitions = 3;       // from 2
  std::int32_t window_size = 1000;        // of the end of the text; to 50,000

  bool operator==(const RepetitionConfig&) const = default;
};

// Errors   InvalidArgument: the setting that is out of its range.
[[nodiscard]] Result<void> check(const RepetitionConfig& config);

class RepetitionDetector {
 public:
  // Requires check(config).
  explicit RepetitionDetector(const RepetitionConfig& config);

  // The pattern, once it stands min_repetitions times at the end of the text so far. `text` is whole UTF-8 characters.
  [[nodiscard]] std::optional<std::string> push(std::string_view text);

 private:
  RepetitionConfig config_;
  std::vector<std::string> recent_;    // the last max_pattern_length characters, a ring
  std::vector<std::int32_t> matches_;  // per length: how many of the last characters equal the one that far before
  std::size_t count_ = 0;
};

}  // namespace llama
