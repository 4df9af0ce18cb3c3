#include "callers_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <optional>
#include <random>

namespace llama::internal {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
constexpr std::string_view kOpening = "Xq";

std::string_view without_front(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kSpace), text.size()));
}
std::string_view without_back(std::string_view text) { return text.substr(0, text.find_last_not_of(kSpace) + 1); }

// A stretch of the marked prompt: the template's own text, or the place of a caller's.
struct Stretch {
  std::string_view own;
  const CallersText* callers = nullptr;
};

std::vector<Stretch> stretches_of(std::string_view marked, std::span<const CallersText> texts) {
  std::vector<Stretch> all;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = marked.find(kOpening, at)) != std::string_view::npos;) {
    const std::string_view rest = marked.substr(at);
    std::size_t number = 0;
    const auto read = std::from_chars(rest.data() + kOpening.size(), rest.data() + rest.size(), number);
    if (read.ec != std::errc() || number >= texts.size() || !rest.starts_with(texts[number].word)) {
      at += kOpening.size();
      continue;
    }
    all.push_back({.own = marked.substr(begin, at - begin)});
    all.push_back({.own = {}, .callers = &texts[number]});
    begin = at += texts[number].word.size();
  }
  all.push_back({.own = marked.substr(begin)});
  return all;
}

// Nothing where the prompts differ in more than the callers' texts.
std::optional<std::vector<PromptPiece>> aligned(std::string_view plain, std::span<const Stretch> stretches) {
  std::vector<PromptPiece> pieces;
  std::size_t at = 0;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (stretches[i].callers == nullptr) {
      if (!plain.substr(at).starts_with(stretches[i].own)) return std::nullopt;
      pieces.push_back({std::string(stretches[i].own), false});
      at += stretches[i].own.size();
      continue;
    }
    const std::string_view text = stretches[i].callers->text, next = stretches[i + 1].own;
    const bool is_last = i + 2 == stretches.size();
    const std::array forms{text, without_back(text), without_front(text), without_back(without_front(text))};
    const auto fits = [&](std::string_view form) {
      if (!plain.substr(at).starts_with(form)) return false;
      const std::string_view rest = plain.substr(at + form.size());
      return is_last ? rest == next : rest.starts_with(next);
    };
    const auto form = std::ranges::find_if(forms, fits) - forms.begin();
    if (form == std::ssize(forms)) return std::nullopt;
    pieces.push_back({std::string(forms[static_cast<std::size_t>(form)]), true});
    at += pieces.back().text.size();
  }
  if (at != plain.size()) return std::nullopt;
  return pieces;
}

std::vector<PromptPiece> looked_for(std::string_view plain, std::span<const CallersText> texts) {
  std::vector<PromptPiece> pieces;
  std::size_t at = 0;
  for (const auto& callers : texts) {
    const std::string_view text = without_back(without_front(callers.text));
    const std::size_t found = text.empty() ? std::string_view::npos : plain.find(text, at);
    if (found == std::string_view::npos) continue;
    pieces.push_back({std::string(plain.substr(at, found - at)), false});
    pieces.push_back({std::string(text), true});
    at = found + text.size();
  }
  pieces.push_back({std::string(plain.substr(at)), false});
  return pieces;
}

}  // namespace

std::string placeholder(std::size_t i) {
  thread_local std::mt19937_64 random{std::random_device()()};
  std::string word = std::format("{}{}q", kOpening, i);
  for (int k = 0; k < 20; ++k) word += static_cast<char>('a' + random() % 26);
  return word + "X";
}

std::vector<PromptPiece> callers_pieces(std::string_view plain, std::string_view marked,
                                        std::span<const CallersText> texts) {
  auto pieces = aligned(plain, stretches_of(marked, texts)).value_or(looked_for(plain, texts));
  std::erase_if(pieces, [](const PromptPiece& piece) { return piece.text.empty(); });
  return pieces;
}

}  // namespace llama::internal
