#include "hermes_format.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "json_call.h"
#include "stop_strings.h"
#include "thinking_format.h"

namespace llama::internal {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kOpener = "<tool_call>", kCloser = "</tool_call>";
constexpr std::array<std::string_view, 2> kMarkers{kOpener, kCloser};
constexpr std::array<std::string_view, 1> kOpeners{kOpener};
constexpr std::string_view kFence = "```json";

std::size_t blanks_at_front(std::string_view text) { return std::min(text.find_first_not_of(kBlanks), text.size()); }

// May the text go on to be {"name": "TOOL" …, a call without its opener?
enum class Bare { No, Maybe, Yes };
Bare is_bare_call(std::string_view text, const std::vector<std::string>& tools) {
  const auto eat = [&](std::string_view word) {
    text.remove_prefix(blanks_at_front(text));
    const std::size_t common = std::min(word.size(), text.size());
    if (text.substr(0, common) != word.substr(0, common)) return Bare::No;
    text.remove_prefix(common);
    return common == word.size() ? Bare::Yes : Bare::Maybe;
  };
  for (const std::string_view word : {"{", "\"name\"", ":", "\""}) {
    if (const Bare found = eat(word); found != Bare::Yes) return found;
  }
  Bare best = Bare::No;
  for (const auto& tool : tools) {
    const std::string whole = tool + '"';
    if (text.starts_with(whole)) return Bare::Yes;
    if (whole.starts_with(text)) best = Bare::Maybe;
  }
  return best;
}

// One turn of the model after its thought. Text goes through up to an opener; after it a JsonCall takes the bytes
// until its object ends; then white space and the closer are skipped, and text may follow again.
class HermesCalls final : public ReplyFormat {
 public:
  explicit HermesCalls(std::vector<std::string> tools) : tools_(std::move(tools)) {}

  void push(const ReplyPiece& piece, ReplyEvents& events) override {
    held_ += piece.text;
    advance(events, false);
  }
  void finish(ReplyEnd end, ReplyEvents& events) override {
    advance(events, true);
    if (call_) {
      call_->finish(end == ReplyEnd::Whole, events);
      if (!call_->has_begun()) tell_text(untold(), events);
      call_.reset();
    }
  }
  [[nodiscard]] GrammarPhase grammar() const override {
    const bool held_to_call = place_ == Place::Opened || place_ == Place::Call;
    return held_to_call && !has_strayed_ ? GrammarPhase{.grammar = 1, .run = run_} : GrammarPhase{};
  }

 private:
  enum class Place { Start, Text, Opened, Call, Closing };

  // Each step takes something of what is held, until it needs more to go on.
  void advance(ReplyEvents& events, bool ended) {
    for (bool goes_on = true; goes_on;) {
      switch (place_) {
        case Place::Start:
          goes_on = start(ended);
          break;
        case Place::Text:
          goes_on = pass_text(events, ended);
          break;
        case Place::Opened:
          goes_on = open(ended);
          break;
        case Place::Call:
          goes_on = take_call(events);
          break;
        case Place::Closing:
          goes_on = close(ended);
          break;
      }
    }
  }

  bool start(bool ended) {
    if (is_after_call_) held_.erase(0, blanks_at_front(held_));
    const std::size_t blanks = blanks_at_front(held_);
    const Bare bare = is_bare_call(std::string_view(held_).substr(blanks), tools_);
    if (bare == Bare::Maybe && !ended) return false;
    is_after_call_ = false;
    if (bare == Bare::Yes) {
      opening_ = held_.substr(0, blanks);
      held_.erase(0, blanks);
      has_strayed_ = true;  // its beginning has been written already
      begin_call();
    } else {
      place_ = Place::Text;
    }
    return true;
  }

  bool pass_text(ReplyEvents& events, bool ended) {
    if (held_.empty()) return false;
    if (const std::size_t at = held_.find(kOpener); at != std::string::npos) {
      const std::string_view before = std::string_view(held_).substr(0, at);
      const std::size_t end = before.find_last_not_of(kBlanks) + 1;
      tell_text(before.substr(0, end), events);
      opening_ = held_.substr(end, at - end) + std::string(kOpener);
      held_.erase(0, at + kOpener.size());
      place_ = Place::Opened;
      has_strayed_ = blanks_at_front(held_) < held_.size();  // the grammar would come too late
      ++run_;
      return true;
    }
    std::size_t show = held_.size();
    if (!ended) {
      show -= held_back(held_, {std::string(kOpener)});
      show = std::string_view(held_).substr(0, show).find_last_not_of(kBlanks) + 1;
    }
    tell_text(std::string_view(held_).substr(0, show), events);
    held_.erase(0, show);
    return false;
  }

  // Behind an opener: white space, maybe a fence, maybe the bracket of a list.
  bool open(bool ended) {
    std::string_view rest = std::string_view(held_).substr(blanks_at_front(held_));
    if (!ended && kFence.starts_with(rest)) return false;
    if (rest.starts_with(kFence)) rest.remove_prefix(kFence.size());
    rest.remove_prefix(blanks_at_front(rest));
    if (!ended && rest.empty()) return false;
    if (rest.starts_with('[')) {
      rest.remove_prefix(1);
      is_list_ = has_strayed_ = true;
    }
    const std::size_t eaten = held_.size() - rest.size();
    opening_ += held_.substr(0, eaten);
    held_.erase(0, eaten);
    begin_call();
    return true;
  }

  void begin_call() {
    call_.emplace(calls_);
    place_ = Place::Call;
  }

  bool take_call(ReplyEvents& events) {
    if (is_list_ && !call_->has_begun() && call_->untold().empty()) {
      const std::size_t skipped = std::min(held_.find_first_not_of(" \t\r\n,"), held_.size());
      opening_ += held_.substr(0, skipped);
      held_.erase(0, skipped);
      if (held_.starts_with(']')) {
        held_.erase(0, 1);
        call_.reset();
        is_list_ = false;
        place_ = Place::Closing;
        return true;
      }
    }
    if (held_.empty()) return false;
    held_.erase(0, call_->push(held_, events));
    if (!call_->is_over()) return false;
    if (!call_->has_begun()) {
      // No call: all of it is text.
      held_ = untold() + held_;
      tell_text(held_.substr(0, opening_.size()), events);
      held_.erase(0, opening_.size());
      call_.reset();
      is_list_ = false;
      place_ = Place::Text;
      return true;
    }
    ++calls_;
    opening_.clear();
    if (is_list_) {
      begin_call();
    } else {
      call_.reset();
      place_ = Place::Closing;
    }
    return true;
  }

  bool close(bool ended) {
    std::string_view rest = std::string_view(held_).substr(blanks_at_front(held_));
    if (!ended && std::string_view("```").starts_with(rest)) return false;
    if (rest.starts_with("```")) rest.remove_prefix(3);
    rest.remove_prefix(blanks_at_front(rest));
    if (!ended && kCloser.starts_with(rest) && rest != kCloser) return false;
    if (rest.starts_with(kCloser)) {
      rest.remove_prefix(kCloser.size());
    }
    held_ = std::string(rest);
    is_after_call_ = true;
    place_ = Place::Start;
    return true;
  }

  [[nodiscard]] std::string untold() const { return opening_ + call_->untold(); }

  std::vector<std::string> tools_;
  Place place_ = Place::Start;
  std::string held_;
  std::string opening_;  // what was taken since the opener began, should it turn out to be none
  std::optional<JsonCall> call_;
  bool is_list_ = false;
  bool is_after_call_ = false;  // where white space is nobody's
  bool has_strayed_ = false;    // from the grammar, or begun without it
  std::int32_t calls_ = 0, run_ = 0;
};

}  // namespace

const ReplyFormatKind kHermesFormat{
    .name = "hermes",
    // Qwen3-Coder's and GLM's calls stand between the same markers, and are no JSON.
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kOpener) && !traits.source.contains("<function=") &&
                 !traits.source.contains("<arg_key>");
        },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      return std::make_unique<ThinkingFormat>(options, std::make_unique<HermesCalls>(options.tools), kOpeners);
    },
    .markers = kMarkers,
};
}  // namespace llama::internal
