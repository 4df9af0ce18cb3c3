// Find a token that stands twice in a vocabulary, in memory that does not grow with the tokens' lengths.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace llama::internal {

// Two different tokens count as the same by an accident of 64 bits: for 262,144 tokens about one in a billion files.
class TokenHashes {
 public:
  // count   of tokens, at most: places for half as many again, or more.
  explicit TokenHashes(std::uint64_t count) : places_(std::bit_ceil(count + count / 2 + 2)) {}

  // The number of the same token that was added before.
  [[nodiscard]] std::optional<std::uint64_t> add(std::string_view token) {
    const std::size_t hash = std::hash<std::string_view>()(token), mask = places_.size() - 1;
    std::size_t at = hash & mask;
    for (; places_[at].number != 0; at = (at + 1) & mask) {
      if (places_[at].hash == hash) return places_[at].number - 1;
    }
    places_[at] = {.hash = hash, .number = ++added_};
    return std::nullopt;
  }

 private:
  struct Place {
    std::size_t hash = 0;
    std::uint64_t number = 0;  // of the token, from 1 on; 0: none
  };
  std::vector<Place> places_;
  std::uint64_t added_ = 0;
};

}  // namespace llama::internal
