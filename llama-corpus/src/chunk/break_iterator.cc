#include "break_iterator.h"

#include <algorithm>
#include <cstdint>
#include <format>

namespace llama::internal {

Result<BreakIterator> BreakIterator::make(UBreakIteratorType kind) {
  UErrorCode status = U_ZERO_ERROR;
  BreakIterator made;
  made.iterator_.reset(ubrk_open(kind, "", nullptr, 0, &status));
  if (U_FAILURE(status))
    return fail(ErrorCode::Internal, std::format("ICU finds no boundaries in texts: {}", u_errorName(status)));
  return made;
}

bool BreakIterator::set_text(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  UText* opened = utext_openUTF8(text_.get(), text.data(), static_cast<std::int64_t>(text.size()), &status);
  if (U_FAILURE(status)) return false;
  if (!text_) text_.reset(opened);
  ubrk_setUText(iterator_.get(), text_.get(), &status);
  return U_SUCCESS(status);
}

bool BreakIterator::next(std::size_t& at) {
  const std::int32_t found = ubrk_next(iterator_.get());
  if (found == UBRK_DONE) return false;
  at = static_cast<std::size_t>(found);
  return true;
}

std::size_t BreakIterator::last_before(std::size_t at) {
  const auto place = static_cast<std::int32_t>(at);
  if (ubrk_isBoundary(iterator_.get(), place) != 0) return at;
  return static_cast<std::size_t>(std::max(ubrk_preceding(iterator_.get(), place), 0));
}

}  // namespace llama::internal
