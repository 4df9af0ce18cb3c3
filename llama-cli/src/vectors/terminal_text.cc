#include "vectors/terminal_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <optional>

#include "llama-base/utf8.h"

namespace llama {
namespace {

// The C library's knowledge of characters, whatever the user's locale is; where it has none of UTF-8, one column each.
class CharacterWidths {
 public:
  CharacterWidths() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr))) {}
  // Nothing: not to be shown.
  [[nodiscard]] std::optional<std::size_t> of(char32_t c) const {
    // Marks that turn the direction of writing reach beyond the cell that they are in.
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x2069))
      return std::nullopt;
    if (locale_ == static_cast<locale_t>(nullptr)) return 1;
    const locale_t before = ::uselocale(locale_);
    const int width = ::wcwidth(static_cast<wchar_t>(c));
    ::uselocale(before);
    return width < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(width));
  }

 private:
  locale_t locale_;
};

std::optional<std::size_t> width_of(char32_t c) {
  static const CharacterWidths kWidths;
  return kWidths.of(c);
}

}  // namespace

std::size_t terminal_columns() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  std::size_t columns = 0;
  if (const char* said = std::getenv("COLUMNS"); said != nullptr)
    std::from_chars(said, said + std::char_traits<char>::length(said), columns);
  return columns > 0 ? columns : 120;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const internal::Decoded decoded = internal::decode(text, at);
    columns += width_of(decoded.character).value_or(0);
    at += decoded.length;
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::string line, cut;  // cut: as much as leaves a column for the sign
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    internal::Decoded decoded = internal::decode(text, at);
    at += decoded.length;
    if (decoded.character == '\n' || decoded.character == '\t') decoded.character = ' ';
    const auto width = width_of(decoded.character);
    if (!width) continue;
    if (used + *width > columns) return columns == 0 ? "" : cut + "…";
    char bytes[4];
    line.append(bytes, internal::encode(decoded.character, bytes));
    used += *width;
    if (used < columns) cut = line;
  }
  return line;
}

std::string padded_to(std::string_view text, std::size_t columns) {
  std::string line = fitted(text, columns);
  const std::size_t used = columns_of(line);
  return line + std::string(columns - std::min(used, columns), ' ');
}

}  // namespace llama
