#include "map/word_counts.h"

#include <unicode/brkiter.h>
#include <unicode/unistr.h>
#include <unicode/utext.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kTextBytes = 1000;
constexpr std::int32_t kLeastLetters = 3, kLeastIdeographs = 2;
constexpr std::uint32_t kLeastTexts = 2;

// A cut never splits a character: it goes back to where one begins.
std::string_view word_beginning(std::string_view text) {
  if (text.size() <= kTextBytes) return text;
  std::size_t end = kTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

// "right" and "rights" are one word to a reader.
bool is_variant(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  const auto same = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  return same >= 4 && same + 3 >= std::max(a.size(), b.size()) && same + 1 >= shorter;
}

// What a word can say. Words that only hold sentences together are short in every language (G. Zipf's law of
// abbreviation, 1949), and no list of them has all languages.
double weight_of(std::int32_t letters, bool is_ideographic, std::string_view word) {
  const bool is_of_the_web = word == "https" || word == "http" || word == "www" || word.contains('.');
  if (is_of_the_web) return 0;
  if (is_ideographic || letters >= 7) return 1;
  return letters <= 3 ? 0.2 : 0.2 * (letters - 2);
}

}  // namespace

struct WordCounts::Rules {
  std::unique_ptr<icu::BreakIterator> words;
};

WordCounts::WordCounts(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
WordCounts::~WordCounts() = default;
WordCounts::WordCounts(WordCounts&&) noexcept = default;

Result<WordCounts> WordCounts::create() {
  UErrorCode status = U_ZERO_ERROR;
  auto rules = std::make_unique<Rules>();
  rules->words.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
  if (U_FAILURE(status) || !rules->words) return fail(ErrorCode::Internal, "ICU has no rules for words");
  return WordCounts(std::move(rules));
}

void WordCounts::add(std::string_view text, std::size_t class_number) {
  text = word_beginning(text);
  UErrorCode status = U_ZERO_ERROR;
  UText* const opened = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
  if (U_FAILURE(status)) return;
  icu::BreakIterator& words = *rules_->words;
  words.setText(opened, status);
  seen_.clear();
  std::int32_t begin = words.first();
  for (std::int32_t end = words.next(); end != icu::BreakIterator::DONE; begin = end, end = words.next()) {
    if (words.getRuleStatus() < UBRK_WORD_LETTER) continue;
    const std::string_view word = text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    icu::UnicodeString folded =
        icu::UnicodeString::fromUTF8(icu::StringPiece(word.data(), static_cast<std::int32_t>(word.size())));
    const bool is_ideographic = words.getRuleStatus() >= UBRK_WORD_KANA;
    if (folded.countChar32() < (is_ideographic ? kLeastIdeographs : kLeastLetters)) continue;
    std::string key;
    folded.foldCase().toUTF8String(key);
    const auto [at, is_new] = numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(words_.size()));
    if (is_new) words_.emplace_back().weight = weight_of(folded.countChar32(), is_ideographic, at->first);
    Word& found = words_[at->second];
    if (found.votes == 0) found.written = word;
    if (found.written == word)
      ++found.votes;
    else
      --found.votes;
    seen_.push_back(at->second);
  }
  utext_close(opened);
  if (counts_.size() <= class_number) counts_.resize(class_number + 1), texts_.resize(class_number + 1);
  ++texts_[class_number];
  std::ranges::sort(seen_);
  const auto rest = std::ranges::unique(seen_);
  seen_.erase(rest.begin(), rest.end());
  for (const std::uint32_t word : seen_) {
    ++words_[word].texts;
    ++counts_[class_number][word];
  }
}

std::vector<std::vector<std::string>> WordCounts::typical(const std::vector<std::size_t>& groups,
                                                          std::size_t group_count, std::size_t most) const {
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> of_group(group_count);
  std::vector<double> texts_of(group_count);
  double all_texts = 0;
  for (std::size_t c = 0; c < std::min(counts_.size(), groups.size()); ++c) {
    all_texts += texts_[c];
    if (groups[c] >= group_count) continue;
    texts_of[groups[c]] += texts_[c];
    for (const auto& [word, texts] : counts_[c]) of_group[groups[c]][word] += texts;
  }
  std::vector<std::vector<std::string>> result(group_count);
  for (std::size_t g = 0; g < group_count; ++g) {
    std::vector<std::pair<double, std::uint32_t>> ranked;
    for (const auto& [word, texts] : of_group[g]) {
      if (texts < kLeastTexts) continue;
      const double here = texts / texts_of[g], everywhere = words_[word].texts / all_texts;
      if (here <= everywhere || words_[word].weight == 0) continue;
      ranked.emplace_back(-here * std::log(here / everywhere) * words_[word].weight, word);
    }
    std::ranges::sort(ranked);
    for (const auto& [score, word] : ranked) {
      const std::string& written = words_[word].written;
      if (std::ranges::any_of(result[g], [&](const std::string& other) { return is_variant(written, other); }))
        continue;
      result[g].push_back(written);
      if (result[g].size() == most) break;
    }
  }
  return result;
}

}  // namespace llama::internal
