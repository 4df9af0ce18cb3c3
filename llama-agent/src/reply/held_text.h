// Text that a reply format holds back: what may be the beginning of a marker, and the white space before it.
//
// A model may write as much white space as it likes, and a name without an end. So what was looked at once is not
// looked at again with each piece that comes.
// Threads  one at a time.
// Cost     of blanks() and find(): the bytes that are new since they were asked the last time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "marker_text.h"

namespace llama::internal {

constexpr std::size_t kMaxReadAtOnce = 4096;                 // bytes of a piece: what is left of it moves to the front
constexpr std::size_t kMaxReadAgain = std::size_t{1} << 18;  // bytes of a reply that were taken for calls and are none

// Hands a piece on in parts of at most kMaxReadAtOnce bytes, cut between characters.
template <class Take>
void read_in_parts(std::string_view piece, Take&& take) {
  while (piece.size() > kMaxReadAtOnce) {
    std::size_t bytes = kMaxReadAtOnce;
    while (bytes > kMaxReadAtOnce - 4 && (static_cast<unsigned char>(piece[bytes]) & 0xC0U) == 0x80U) --bytes;
    take(piece.substr(0, bytes));
    piece.remove_prefix(bytes);
  }
  take(piece);
}

class HeldText {
 public:
  [[nodiscard]] std::string_view view() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::size_t size() const { return text_.size(); }

  void append(std::string_view text) { text_ += text; }
  // From the front.
  void erase(std::size_t bytes) {
    text_.erase(0, bytes);
    blanks_ -= std::min(blanks_, bytes);
    searched_ -= std::min(searched_, bytes);
  }
  [[nodiscard]] std::string take() {
    blanks_ = searched_ = 0;
    return std::exchange(text_, {});
  }

  // White space at the front, in bytes.
  [[nodiscard]] std::size_t blanks() {
    return blanks_ = std::min(text_.find_first_not_of(kWhite, blanks_), text_.size());
  }
  // Of the first so many bytes, up to behind the last one that is no white space.
  [[nodiscard]] std::size_t solid_end(std::size_t bytes) {
    const std::size_t from = std::min(blanks(), bytes);
    const std::size_t last = view().substr(from, bytes - from).find_last_not_of(kWhite);
    return last == std::string_view::npos ? 0 : from + last + 1;
  }

  // Where a marker begins; npos: nowhere, and then only what is new is searched until seek_anew().
  [[nodiscard]] std::size_t find(std::string_view marker) {
    const std::size_t at = text_.find(marker, unsearched(marker.size()));
    if (at == std::string::npos) was_searched();
    return at;
  }
  // The same for several markers: where each may begin, and that none did.
  [[nodiscard]] std::size_t unsearched(std::size_t marker) const { return searched_ - std::min(searched_, marker - 1); }
  void was_searched() { searched_ = text_.size(); }
  void seek_anew() { searched_ = 0; }

 private:
  std::string text_;
  std::size_t blanks_ = 0, searched_ = 0;
};

}  // namespace llama::internal
