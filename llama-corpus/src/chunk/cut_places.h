// Know where a text may be cut: between characters as readers see them; within one that is too long for a chunk,
// between code points.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "grapheme_map.h"

namespace llama::internal {

class CutPlaces {
 public:
  CutPlaces(std::string_view text, GraphemeMap clusters) : text_(text), clusters_(std::move(clusters)) {}

  // The cluster that begins at `from` may be cut; it is the only one then.
  void open_cluster(std::size_t from) {
    open_from_ = from;
    open_until_ = cluster_end(from);
  }
  void close_cluster() { open_from_ = open_until_ = 0; }
  [[nodiscard]] bool is_open(std::size_t at) const { return open_from_ <= at && at < open_until_; }
  [[nodiscard]] std::size_t open_until() const { return open_until_; }

  // The place in (low, high) that is the nearest to `wanted`: the last one up to there, else the first one after it.
  [[nodiscard]] std::optional<std::size_t> near(std::size_t wanted, std::size_t low, std::size_t high) const;
  // The last place in (low, at].
  [[nodiscard]] std::optional<std::size_t> at_or_before(std::size_t at, std::size_t low) const;
  // The first place in [at, high).
  [[nodiscard]] std::optional<std::size_t> at_or_after(std::size_t at, std::size_t high) const;

  // Where the cluster that begins at `from` ends. Cost: its length.
  [[nodiscard]] std::size_t cluster_end(std::size_t from) const {
    return clusters_.first_after(from + 1, text_.size());
  }
  // Whether that is at most `bytes` away.
  [[nodiscard]] bool has_short_cluster(std::size_t from, std::size_t bytes) const;

 private:
  std::string_view text_;
  GraphemeMap clusters_;
  std::size_t open_from_ = 0, open_until_ = 0;
};

}  // namespace llama::internal
