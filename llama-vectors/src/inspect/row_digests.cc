#include "inspect/row_digests.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace llama::internal {

// The standard library's own is of 64 bits here, and good enough: nobody gains by making two texts look equal.
std::uint64_t digest64(std::string_view bytes) { return std::hash<std::string_view>()(bytes); }

void RowDigests::merge(RowDigests&& other) {
  texts_.append_range(other.texts_);
  vectors_.append_range(other.vectors_);
  other = RowDigests(share_);
}

std::uint64_t RowDigests::duplicate_texts() {
  std::ranges::sort(texts_);
  const auto rest = std::ranges::unique(texts_);
  return rest.size() * share_;
}

// Sorted by vector, then row: rows with one vector lie together, the first one first.
RowDigests::Vectors RowDigests::duplicate_vectors(std::size_t max_examples) {
  Vectors found;
  std::ranges::sort(vectors_);
  for (auto begin = vectors_.begin(); begin != vectors_.end();) {
    const auto end =
        std::find_if(begin, vectors_.end(), [&](const VectorDigest& one) { return one.vector != begin->vector; });
    const auto rows = static_cast<std::uint64_t>(end - begin);
    found.duplicates += rows - 1;
    const auto other = std::find_if(begin, end, [&](const VectorDigest& one) { return one.text != begin->text; });
    if (other != end) {
      ++found.shared.vectors;
      found.shared.rows += rows;
      found.shared.examples.emplace_back(begin->row, other->row);
    }
    begin = end;
  }
  const std::size_t shown = std::min(max_examples, found.shared.examples.size());
  std::ranges::partial_sort(found.shared.examples, found.shared.examples.begin() + static_cast<std::ptrdiff_t>(shown));
  found.shared.examples.resize(shown);
  found.duplicates *= share_;
  found.shared.vectors *= share_;
  found.shared.rows *= share_;
  return found;
}

}  // namespace llama::internal
