#include "generic_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "held_text.h"
#include "json_text.h"
#include "marked_calls.h"
#include "thinking_format.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 1> kGenericOpeners{"<tool_call>"};
constexpr std::array<std::string_view, 2> kGenericMarkers{"<tool_call>", "</tool_call>"};
constexpr std::array<std::string_view, 2> kGenericClosers{"</tool_call>", "}"};
constexpr CallMarkup kGenericCalls{.openers = kGenericOpeners, .closers = kGenericClosers};

// The key with which a reply begins, and what stands up to its value. "": none.
struct FirstKey {
  enum class Found { No, Maybe, Yes } found = Found::No;
  std::string_view key{};
  std::size_t bytes = 0;
};
constexpr std::size_t kMaxBlanksInKey = 256;  // before a word: it is read again with each piece that comes
FirstKey first_key(std::string_view text) {
  constexpr std::array<std::string_view, 3> kKeys{"\"tool_call\"", "\"tool_calls\"", "\"response\""};
  std::size_t at = 0;
  // False where there is too much of it.
  const auto skip_blanks = [&] {
    const std::size_t begin = std::exchange(at, std::min(text.find_first_not_of(kWhite, at), text.size()));
    return at - begin <= kMaxBlanksInKey;
  };
  const auto eat = [&](std::string_view word) {
    if (!skip_blanks()) return FirstKey::Found::No;
    const std::string_view rest = text.substr(at);
    if (rest.size() < word.size() && word.starts_with(rest)) return FirstKey::Found::Maybe;
    if (!rest.starts_with(word)) return FirstKey::Found::No;
    at += word.size();
    return FirstKey::Found::Yes;
  };
  using enum FirstKey::Found;
  const auto fence = eat("```");
  if (fence == Maybe || (fence == Yes && eat("json") == Maybe)) return {Maybe};
  if (const auto brace = eat("{"); brace != Yes) return {brace};
  const std::size_t before_key = at;
  FirstKey best;
  for (const auto key : kKeys) {
    at = before_key;
    auto found = eat(key);
    if (found == Yes) found = eat(":");
    if (found == Yes && !skip_blanks()) found = No;
    if (found == Yes && at == text.size()) found = Maybe;
    if (found == Yes) return {Yes, key, at};
    if (found == Maybe) best.found = Maybe;
  }
  return best;
}

class GenericReply final : public ReplyFormat {
 public:
  explicit GenericReply(std::vector<std::string> tools) : calls_(kGenericCalls, std::move(tools)) {}

  void push(const ReplyPiece& piece, ReplyEvents& events) override {
    read_in_parts(piece.text, [&](std::string_view part) {
      held_.append(part);
      advance(events, false);
    });
  }
  void finish(ReplyEnd end, ReplyEvents& events) override {
    advance(events, true);
    calls_.finish(end, events);
  }

 private:
  enum class Place { Start, Response, After, Calls };

  void advance(ReplyEvents& events, bool ended) {
    if (place_ == Place::Start && !begin(ended)) return;
    if (place_ == Place::Response) {
      std::size_t at = 0;
      std::string text;
      bool goes_on = true;
      while (at < held_.size() && goes_on) goes_on = string_.push(held_.view()[at++], text);
      tell_text(text, events);
      held_.erase(at);
      if (goes_on) return;
      place_ = Place::After;
    }
    if (place_ == Place::After) {
      // The object's end and a fence are nobody's.
      held_.erase(std::min(held_.view().find_first_not_of(" \t\r\n}`"), held_.size()));
      if (held_.empty()) return;
      place_ = Place::Calls;
    }
    if (held_.empty()) return;
    const std::string text = held_.take();
    calls_.push({.text = text}, events);
  }

  // False: more is needed.
  bool begin(bool ended) {
    const std::size_t blanks = held_.blanks();
    FirstKey first = first_key(held_.view().substr(blanks));
    if (first.found == FirstKey::Found::Maybe && !ended) return false;
    place_ = Place::Calls;
    if (first.found != FirstKey::Found::Yes) return true;
    first.bytes += blanks;
    const char value = held_.view()[first.bytes];
    if (first.key == "\"response\"" && value == '"') {
      place_ = Place::Response;
      held_.erase(first.bytes + 1);
    } else if (first.key != "\"response\"" && (value == '{' || value == '[')) {
      calls_.open(held_.view().substr(0, first.bytes));
      held_.erase(first.bytes);
    }
    return true;
  }

  MarkedCalls calls_;
  Place place_ = Place::Start;
  HeldText held_;
  JsonString string_;
};

}  // namespace

const ReplyFormatKind kGenericFormat{
    .name = "generic",
    // Chosen where a template shows tools and nothing of a call: its text does not tell.
    .fits = [](const TemplateTraits&) { return false; },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      return std::make_unique<ThinkingFormat>(options, std::make_unique<GenericReply>(options.tools), kGenericOpeners);
    },
    .markers = kGenericMarkers,
};

}  // namespace llama::internal
