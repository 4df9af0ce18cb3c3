// The way in which a family of models writes its replies: thoughts, text, calls of tools.
//
// A format is a forward-only parser. It is given the reply piece by piece and tells events; whatever may still become
// the beginning of a marker is held back, so that nothing told is ever taken back, and any split of the same reply
// into pieces tells the same events.
//
// To add one: a file in this folder with a ReplyFormatKind, and its name in reply_formats.cc. What stop_strings.h has,
// held_back(), says how much of a text may still become a marker. A kind is chosen by how calls are written, and used
// only where there are tools, unless it has `reads_every_reply`; how a template's thoughts are marked is found by
// thinking_markers_in() (chat_template.cc).
// Threads  one at a time.
// Cost     one pass over the text; held back is at most the longest marker, and the white space before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/reply_event.h"
#include "llama-core/model.h"

namespace llama::internal {

struct ReplyPiece {
  std::string_view text{};         // whole characters; of a control token, its name
  std::optional<Token> control{};  // the control token that the piece is, if it is one
};

// Which grammar the next token is held to.
inline constexpr std::int32_t kNoGrammar = -1;
inline constexpr std::int32_t kRequestGrammar = 0;  // the request's own; none where it has none
struct GrammarPhase {
  std::int32_t grammar = kRequestGrammar;  // kNoGrammar, kRequestGrammar, or 1: the rest of a call
  std::int32_t run = 0;                    // another number begins the same grammar anew

  bool operator==(const GrammarPhase&) const = default;
};

// How the text came to its end.
enum class ReplyEnd {
  Whole,  // the model ended it
  Cut,    // a limit did, a stop string, or the caller
};

class ReplyFormat {
 public:
  virtual ~ReplyFormat() = default;
  virtual void push(const ReplyPiece& piece, ReplyEvents& events) = 0;
  // What was held back. Nothing is pushed after it.
  virtual void finish(ReplyEnd end, ReplyEvents& events) = 0;

  [[nodiscard]] virtual bool is_thinking() const { return false; }
  // Has the reply ended by what it says, though the model would go on?
  [[nodiscard]] virtual bool is_over() const { return false; }
};

struct ReplyFormatOptions {
  std::string thinking_opener{}, thinking_closer{};  // "": the model does not think
  bool thinking_is_open = false;                     // by the prompt
  bool thinking_goes_on = false;                     // the prompt ends in the middle of a thought
  std::vector<std::string> tools{};                  // names that may be called
  std::vector<std::string> tool_parameters{};        // of each: the JSON Schema of its arguments; "": none
  bool spoken_calls = false;                         // read "call NAME with ARGUMENTS", too (spoken_calls.h)
};

// What a format is chosen by.
struct TemplateTraits {
  std::string_view source;  // Jinja
};

struct ReplyFormatKind {
  std::string_view name;
  bool (*fits)(const TemplateTraits& traits) = nullptr;
  std::unique_ptr<ReplyFormat> (*make)(const ReplyFormatOptions& options) = nullptr;
  // Texts whose control tokens the format wants to see; of others it sees nothing.
  std::span<const std::string_view> markers{};
  bool reads_every_reply = false;  // also one without tools: the answer itself stands between markers
};

// Thoughts and text: what every reply consists of where there are no tools.
extern const ReplyFormatKind kTextFormat;

// All kinds, kTextFormat the last.
[[nodiscard]] std::span<const ReplyFormatKind* const> reply_formats();
// The first kind that fits; kTextFormat fits whatever is left.
[[nodiscard]] const ReplyFormatKind& choose_reply_format(const TemplateTraits& traits);
// Requires a name that a kind has.
[[nodiscard]] const ReplyFormatKind& reply_format_named(std::string_view name);

// Add text to the last event where that is text as well (or thinking).
void tell_text(std::string_view text, ReplyEvents& events);
void tell_thinking(std::string_view text, ReplyEvents& events);
// A call whose opener was there, and not the whole of its name: it has none, and is not complete.
void tell_cut_call(std::int32_t call, ReplyEvents& events);

}  // namespace llama::internal
