#include "harmony_format.h"

#include <algorithm>
#include <array>

#include "code_call.h"
#include "held_text.h"
#include "json_call.h"
#include "stop_strings.h"

namespace llama::internal {
namespace {

constexpr std::string_view kStart = "<|start|>", kChannel = "<|channel|>", kConstrain = "<|constrain|>";
constexpr std::string_view kMessage = "<|message|>", kEnd = "<|end|>", kReturn = "<|return|>", kCall = "<|call|>";
constexpr std::array kHarmonyMarkers{kStart, kChannel, kConstrain, kMessage, kEnd, kReturn, kCall};
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kRecipientKey = "to=", kFunctions = "functions.";
constexpr std::size_t kMaxHeaderBytes = 512;

std::string_view word_of(std::string_view text) {
  return text.substr(0, std::min(text.find_first_of(" \t\r\n<"), text.size()));
}

// The header of a message: "assistant to=functions.look<|channel|>commentary <|constrain|>json".
struct HarmonyHeader {
  std::string_view channel, recipient;
};
HarmonyHeader header_of(std::string_view text) {
  HarmonyHeader header;
  if (const auto at = text.find(kChannel); at != std::string_view::npos) {
    header.channel = word_of(text.substr(at + kChannel.size()));
  }
  if (const auto at = text.find(kRecipientKey); at != std::string_view::npos) {
    header.recipient = word_of(text.substr(at + kRecipientKey.size()));
  }
  if (header.recipient == "all" || header.recipient == "user" || header.recipient == "assistant") header.recipient = {};
  return header;
}

// May a reply that begins so be a message with a header? The prompt has ended with <|start|>assistant.
bool may_be_header(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return std::ranges::any_of(std::array{kStart, kChannel, kMessage, kRecipientKey},
                             [&](std::string_view word) { return text.starts_with(word) || word.starts_with(text); });
}

// One reply: headers and bodies in turn. A header is held until it is whole. A body ends at <|end|>, <|call|> or
// <|return|>, and where these are missing at the next <|start|> or <|channel|>.
class HarmonyReply final : public ReplyFormat {
 public:
  explicit HarmonyReply(std::vector<std::string> tools)
      : tools_(std::move(tools)), markers_(kHarmonyMarkers.begin(), kHarmonyMarkers.end()) {}

  void push(const ReplyPiece& piece, ReplyEvents& events) override {
    read_in_parts(piece.text, [&](std::string_view part) {
      if (is_over_) return;
      held_ += part;
      while (step(events, false)) {
      }
    });
  }
  void finish(ReplyEnd end, ReplyEvents& events) override {
    const bool is_cut_call = end == ReplyEnd::Cut && place_ == Place::Header && !header_of(held_).recipient.empty();
    if (is_cut_call) return tell_cut_call(calls_, events);
    while (step(events, true)) {
    }
    if (call_) end_call(end == ReplyEnd::Whole, events);
  }
  [[nodiscard]] bool is_thinking() const override { return place_ == Place::Thought; }
  [[nodiscard]] bool is_over() const override { return is_over_; }

 private:
  enum class Place { Header, Thought, Text, Call, Between };

  bool step(ReplyEvents& events, bool ended) {
    switch (place_) {
      case Place::Header:
        return read_header(events, ended);
      case Place::Thought:
      case Place::Text:
        return pass_body(events, ended);
      case Place::Call:
        return take_call(events, ended);
      case Place::Between:
        return find_next(ended);
    }
    return false;
  }

  bool read_header(ReplyEvents& events, bool ended) {
    if (held_.empty()) return false;
    const std::size_t end = held_.find(kMessage);
    const bool may_come = held_.size() < kMaxHeaderBytes + kMessage.size() && may_be_header(held_);
    if (end == std::string::npos && may_come && !ended) return false;
    if (end > kMaxHeaderBytes || !may_be_header(held_)) {
      // A text without any header; a marker that it begins with is a part of it.
      place_ = Place::Text;
      const auto [at, marker] = first_end(held_);
      const bool begins_header = (marker == kStart || marker == kChannel) && at == held_.find_first_not_of(kSpace);
      const std::size_t shown = begins_header ? at + marker.size() : 0;
      tell_body(std::string_view(held_).substr(0, shown), events);
      held_.erase(0, shown);
      return true;
    }
    const HarmonyHeader header = header_of(std::string_view(held_).substr(0, end));
    if (!header.recipient.empty()) {
      begin_call(header);
    } else {
      place_ = header.channel == "analysis" ? Place::Thought : Place::Text;
      is_first_ = true;
    }
    opening_ = held_.substr(0, end + kMessage.size());
    held_.erase(0, end + kMessage.size());
    return true;
  }

  void begin_call(const HarmonyHeader& header) {
    std::string name(header.recipient);
    if (name.starts_with(kFunctions)) name.erase(0, kFunctions.size());
    name_ = std::move(name);
    blanks_ = 0;
    place_ = Place::Call;
  }

  // Messages of one kind that follow one another stay apart.
  void tell_body(std::string_view text, ReplyEvents& events) {
    if (text.empty()) return;
    bool& has_told = place_ == Place::Thought ? has_thought_ : has_text_;
    const std::string gap = is_first_ && has_told ? "\n\n" : "";
    has_told = true;
    is_first_ = false;
    place_ == Place::Thought ? tell_thinking(gap + std::string(text), events)
                             : tell_text(gap + std::string(text), events);
  }

  bool pass_body(ReplyEvents& events, bool ended) {
    const auto [at, marker] = first_end(held_);
    if (at == std::string::npos) {
      const std::size_t show = held_.size() - (ended ? 0 : held_back(held_, markers_));
      tell_body(std::string_view(held_).substr(0, show), events);
      held_.erase(0, show);
      return false;
    }
    tell_body(std::string_view(held_).substr(0, at), events);
    held_.erase(0, at);
    place_ = Place::Between;
    return true;
  }

  bool take_call(ReplyEvents& events, bool ended) {
    if (!call_) {
      blanks_ = std::min(held_.find_first_not_of(kSpace, blanks_), held_.size());
      const std::string_view rest = std::string_view(held_).substr(blanks_);
      if (rest.empty() && !ended) return false;
      const bool is_code = !rest.empty() && is_code_tool(name_) && rest.front() != '{' && rest.front() != '"';
      if (is_code && !rest.starts_with('<')) {
        call_ = std::make_unique<CodeCall>(calls_, code_tool(tools_, name_));
      } else {
        call_ = std::make_unique<JsonCall>(calls_, name_, "");
      }
    }
    // A marker in a string of the arguments is a part of it, but ends program text, and arguments that are none.
    const bool is_text = dynamic_cast<const CodeCall*>(call_.get()) != nullptr;
    const auto [at, marker] = first_end(held_);
    const bool is_blank = held_.find_first_not_of(kSpace) == at && !call_->has_begun();
    if (!call_->is_over() && (is_text || is_blank) && at != std::string::npos) {
      static_cast<void>(call_->push(std::string_view(held_).substr(0, at), events));
      held_.erase(0, at);
      end_call(true, events);
      place_ = Place::Between;
      return true;
    }
    std::size_t ready = held_.size();
    if (!ended && (is_text || !call_->has_begun())) ready -= held_back(held_, markers_);
    held_.erase(0, call_->push(std::string_view(held_).substr(0, ready), events));
    if (!call_->is_over()) return false;
    const bool was_call = call_->has_begun();
    end_call(true, events);
    place_ = was_call ? Place::Between : Place::Text;
    return true;
  }

  void end_call(bool is_whole, ReplyEvents& events) {
    call_->finish(is_whole, events);
    if (call_->has_begun()) {
      ++calls_;
    } else {
      tell_text(opening_ + call_->untold(), events);
      has_text_ = true;
    }
    call_.reset();
  }

  // Between two messages. What is no marker is a text that has no header: a grammar makes models write so.
  bool find_next(bool ended) {
    held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));
    if (held_.empty()) return false;
    const auto [at, marker] = first_end(held_);
    if (at != 0) {
      const bool may_come = std::ranges::any_of(markers_, [&](const auto& word) { return word.starts_with(held_); });
      if (may_come && !ended) return false;
      place_ = Place::Text;
      is_first_ = true;
    } else if (marker == kStart || marker == kChannel) {
      place_ = Place::Header;
    } else {
      is_over_ = marker == kCall || marker == kReturn;
      held_.erase(0, is_over_ ? held_.size() : marker.size());
    }
    return true;
  }

  // The first of the markers that end a body.
  struct Found {
    std::size_t at = std::string::npos;
    std::string_view marker;
  };
  static Found first_end(std::string_view text) {
    Found found;
    for (const auto marker : {kEnd, kReturn, kCall, kStart, kChannel}) {
      if (const std::size_t at = text.find(marker); at < found.at) found = {at, marker};
    }
    return found;
  }

  std::vector<std::string> tools_, markers_;
  Place place_ = Place::Header;
  std::string held_, opening_, name_;
  std::size_t blanks_ = 0;  // before a call's arguments
  std::unique_ptr<CallReader> call_;
  std::int32_t calls_ = 0;
  bool is_first_ = false, has_thought_ = false, has_text_ = false, is_over_ = false;
};

}  // namespace

const ReplyFormatKind kHarmonyFormat{
    .name = "harmony",
    // Gemma 4 has a channel too, and spells it otherwise.
    .fits =
        [](const TemplateTraits& traits) {
          return traits.source.contains(kChannel) && traits.source.contains(kMessage);
        },
    .make = [](const ReplyFormatOptions& options) -> std::unique_ptr<ReplyFormat> {
      return std::make_unique<HarmonyReply>(options.tools);
    },
    .markers = kHarmonyMarkers,
    .reads_every_reply = true,
};

}  // namespace llama::internal
