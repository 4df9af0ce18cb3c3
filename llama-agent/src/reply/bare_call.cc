#include "bare_call.h"

#include <algorithm>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxBlanksInCall = 256;  // before a word: it is read again with each piece that comes

// Takes words off the front of a text, with the white space before them.
class WordEater {
 public:
  explicit WordEater(std::string_view text) : rest_(text) {}
  Bare eat(std::string_view word) {
    const std::size_t blanks = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
    if (blanks > kMaxBlanksInCall) return Bare::No;
    rest_.remove_prefix(blanks);
    const std::size_t common = std::min(word.size(), rest_.size());
    if (rest_.substr(0, common) != word.substr(0, common)) return Bare::No;
    if (common < word.size()) return Bare::Maybe;
    rest_.remove_prefix(common);
    return Bare::Yes;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// One word after the other.
template <class Words>
Bare eat_all(WordEater& eater, const Words& words) {
  for (const std::string_view word : words) {
    if (const Bare found = eater.eat(word); found != Bare::Yes) return found;
  }
  return Bare::Yes;
}

}  // namespace

Bare is_bare_call(std::string_view text, const std::vector<std::string>& tools) {
  using Words = std::initializer_list<std::string_view>;
  WordEater eater(text);
  // What may be left out: a fence, a list's bracket.
  const Bare fence = eater.eat("```");
  if (fence == Bare::Maybe || (fence == Bare::Yes && eater.eat("json") == Bare::Maybe)) return Bare::Maybe;
  if (eater.eat("[") == Bare::Maybe) return Bare::Maybe;
  if (const Bare opened = eater.eat("{"); opened != Bare::Yes) return opened;
  WordEater typed = eater;
  Bare before_name = eat_all(typed, Words{"\"type\"", ":", "\"function\"", ","});
  if (before_name == Bare::Yes) eater = typed;
  if (before_name != Bare::Maybe) before_name = Bare::No;
  const Bare found = eat_all(eater, Words{"\"name\"", ":", "\""});
  if (found == Bare::No) return before_name;
  if (found == Bare::Maybe) return Bare::Maybe;
  const std::string_view rest = eater.rest();
  Bare best = Bare::No;
  for (const auto& tool : tools) {
    const std::string whole = tool + '"';
    if (rest.starts_with(whole)) return Bare::Yes;
    if (whole.starts_with(rest)) best = Bare::Maybe;
  }
  return best;
}

}  // namespace llama::internal
