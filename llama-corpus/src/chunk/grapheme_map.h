// Know where in a text one character as readers see it (an extended grapheme cluster) ends and the next begins.
//
// A bit for each byte of the text, set where a cluster begins; the text's end counts as one. ICU finds the clusters,
// and is asked only about stretches that are not ASCII: between two ASCII characters there is always a boundary, but
// for a carriage return and its line feed, and what joins characters never reaches across a boundary.
//
// Cost     one pass over the text, an eighth of its bytes of memory; first_after() and last_before() look at no more
//          than the bytes between the answer and where they begin.
// Source   Unicode Standard Annex 29, rules GB3 to GB999.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class GraphemeMap {
 public:
  // Errors   Internal: ICU has no data; InvalidText: the text has more bytes than ICU can count (2 GiB).
  [[nodiscard]] static Result<GraphemeMap> make(std::string_view text);

  [[nodiscard]] bool is_boundary(std::size_t at) const { return (bits_[at / 64] >> (at % 64) & 1) != 0; }
  // The last boundary in [from, at]; `from` where there is none.
  [[nodiscard]] std::size_t last_before(std::size_t at, std::size_t from) const;
  // The first boundary in [at, until]; `until` where there is none.
  [[nodiscard]] std::size_t first_after(std::size_t at, std::size_t until) const;

 private:
  GraphemeMap() = default;
  std::vector<std::uint64_t> bits_;
};

}  // namespace llama::internal
