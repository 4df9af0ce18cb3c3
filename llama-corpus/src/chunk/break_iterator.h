// Hold one of ICU's iterators over the boundaries of a UTF-8 text.
//
// Source   ICU, unicode/ubrk.h; the rules are those of the root locale, whatever the machine's language.
#pragma once

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

class BreakIterator {
 public:
  // Errors   Internal: ICU has no data.
  [[nodiscard]] static Result<BreakIterator> make(UBreakIteratorType kind);

  // The text has to stay until the next one; below 2 GiB.
  [[nodiscard]] bool set_text(std::string_view text);
  [[nodiscard]] bool next(std::size_t& at);  // the next boundary; false at the end
  // The last boundary in (0, at]; 0 where there is none.
  [[nodiscard]] std::size_t last_before(std::size_t at);

 private:
  struct Close {
    void operator()(UBreakIterator* iterator) const { ubrk_close(iterator); }
    void operator()(UText* text) const { utext_close(text); }
  };
  std::unique_ptr<UText, Close> text_;
  std::unique_ptr<UBreakIterator, Close> iterator_;
};

}  // namespace llama::internal
