#include "pattern_text.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

constexpr std::string_view kNineLetters = "[a-zA-Z0-9]{9}";

// Of UTF-8 that is known to be sound: patterns are our own.
std::vector<std::uint32_t> code_points_of(std::string_view text) {
  std::vector<std::uint32_t> points;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) {
      points.back() = points.back() << 6U | (byte & 0x3FU);
    } else {
      points.push_back(byte < 0x80 ? byte : byte < 0xE0 ? byte & 0x1FU : byte < 0xF0 ? byte & 0x0FU : byte & 0x07U);
    }
  }
  return points;
}

std::string escaped_code_point(std::uint32_t point) { return std::format("\\U{:08X}", point); }

}  // namespace

std::string escaped_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '\n') {
      literal += "\\n";
    } else if (c == '\r') {
      literal += "\\r";
    } else if (c == '\t') {
      literal += "\\t";
    } else {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
  }
  return literal + '"';
}

std::string pattern_sequence(std::string_view text, const PatternPlaces& places) {
  std::string sequence, literal;
  const auto add = [&](std::string_view words) {
    if (!sequence.empty() && !words.empty()) sequence += ' ';
    sequence += words;
  };
  const auto flush = [&] {
    if (!literal.empty()) add(escaped_literal(std::exchange(literal, {})));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      literal += text[i];
      continue;
    }
    const char place = text[++i];
    if (place == 'T') {
      literal += places.is_text ? "true" : "false";
      continue;
    }
    flush();
    switch (place) {
      case 'N':
        add(places.name);
        break;
      case 'A':
        add(places.arguments);
        break;
      case 'K':
        add(places.key);
        break;
      case 'V':
        add(places.value);
        break;
      case 'I':
        add(kNineLetters);
        break;
      case '#':
        add("natural");
        break;
      case '_':
      case '~':
      case '/':
        add("ws");
        break;
      default:
        literal += place;
    }
  }
  flush();
  return sequence.empty() ? "\"\"" : sequence;
}

std::string pattern_text(std::string_view text, std::string_view name, std::string_view arguments) {
  std::string written;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      written += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'N':
        written += name;
        break;
      case 'A':
        written += arguments;
        break;
      case '~':
        written += ' ';
        break;
      case '/':
        written += '\n';
        break;
      case 'I':
        written += "000000000";
        break;
      case '#':
        written += '0';
        break;
      case '_':
        break;
      default:
        written += text[i];
    }
  }
  return written;
}

std::string text_without_rules(std::string_view closer, std::string_view prefix) {
  const auto letters = code_points_of(closer);
  std::vector<std::uint32_t> different = letters;
  std::ranges::sort(different);
  different.erase(std::ranges::unique(different).begin(), different.end());
  std::string others = "[^";
  for (const auto letter : different) others += escaped_code_point(letter);
  others += ']';
  // How much of the closer stands at the end of its first `state` letters and one more.
  const auto next = [&](std::size_t state, std::uint32_t letter) {
    std::vector<std::uint32_t> seen(letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(state));
    seen.push_back(letter);
    for (std::size_t length = seen.size(); length > 0; --length) {
      if (std::equal(seen.end() - static_cast<std::ptrdiff_t>(length), seen.end(), letters.begin())) return length;
    }
    return std::size_t{0};
  };
  std::string rules;
  for (std::size_t state = 0; state < letters.size(); ++state) {
    rules += std::format("{0}{1} ::= | {2} {0}0", prefix, state, others);
    for (const auto letter : different) {
      const std::size_t to = next(state, letter);
      if (to < letters.size()) rules += std::format(" | \"{}\" {}{}", escaped_code_point(letter), prefix, to);
    }
    rules += '\n';
  }
  return rules;
}

}  // namespace llama::internal
