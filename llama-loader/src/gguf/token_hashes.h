// Find a token that stands twice in a vocabulary, in memory that does not grow with the tokens' lengths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace llama::internal {

// Two different tokens count as the same by an accident of 64 bits: for 262,144 tokens about one in a billion files.
class TokenHashes {
 public:
  explicit TokenHashes(std::uint64_t count) { seen_.reserve(count); }

  void add(std::string_view token) { seen_.emplace_back(std::hash<std::string_view>()(token), seen_.size()); }

  // The numbers of the two.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> find_same() {
    std::ranges::sort(seen_);
    const auto same = std::ranges::adjacent_find(seen_, {}, [](const auto& entry) { return entry.first; });
    if (same == seen_.end()) return std::nullopt;
    return std::pair{same[0].second, same[1].second};
  }

 private:
  std::vector<std::pair<std::size_t, std::uint64_t>> seen_;  // (hash, number)
};

}  // namespace llama::internal
