// Read the calls of a family that puts markers around JSON: one machine, and what a family differs in as data.
//
// A call is either an object with its name in it, or a list of them (<tool_call>{"name": …}</tool_call>), or a name and
// then an object, with a marker between the two ([TOOL_CALLS]look[ARGS]{…}). Whatever the family, these are understood:
// an opener left out where the call names a tool that exists, a closer left out or written twice, a fence around the
// JSON, arguments in a string, commas too many. What is no call after all is text, its markers included.
//
// Threads  one at a time.
// Cost     one pass; held back is at most the longest marker with the white space before it, or the name of a call.
//          What is no call is read twice, up to kMaxReadAgain bytes of a reply: more of it is text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "call_reader.h"
#include "held_text.h"
#include "json_call.h"
#include "marker_text.h"
#include "reply_format.h"

namespace llama::internal {

struct CallMarkup {
  Markers openers{};  // of a call or of a list of calls; several may follow one another
  Markers
      line_openers{};  // the same, of which only one at the beginning of a line counts: they are words of a language
  Markers closers{};   // dropped after a call, and after an opener
  Markers hidden{};    // dropped wherever they stand
  // Of a name and then an object: what ends the name, what stands before it (dropped), what comes between it and an id.
  Markers name_ends{};
  std::string_view name_prefix{}, id_opener{};
  JsonCallForm form = JsonCallForm::Members;
  bool has_code = false;           // a name may be followed by program text, if it is that of a tool for code
  std::string_view code_opener{};  // what program text stands behind, without a name
  std::string_view text_name{};    // a "name" whose arguments are text for the user
  bool begins_with_name = false;   // the prompt ends with the first opener
  std::string_view wrapper{}, wrapper_end{};                         // around the whole answer
  void (*split_name)(std::string& name, std::string& id) = nullptr;  // of what stands as a name
};

class MarkedCalls : public ReplyFormat {
 public:
  // The markup outlives the format.
  MarkedCalls(const CallMarkup& markup, std::vector<std::string> tools);

  void push(const ReplyPiece& piece, ReplyEvents& events) override;
  void finish(ReplyEnd end, ReplyEvents& events) override;

  // A call's opener was read by somebody else, and this text was it.
  void open(std::string_view opening);

 private:
  enum class Place { Start, Text, Opened, Code, Name, Arguments, Call, Closing };
  void advance(ReplyEvents& events, bool ended);
  bool start(bool ended);
  bool pass_text(ReplyEvents& events, bool ended);
  bool read_opening(bool ended);
  bool read_code_opening(bool ended);
  bool read_name(ReplyEvents& events, bool ended);
  bool read_arguments(ReplyEvents& events, bool ended);
  bool take_call(ReplyEvents& events);
  bool skip_list_comma();
  bool close(bool ended);

  void tell(std::size_t bytes, ReplyEvents& events);  // of what is held, as text
  void eat(std::size_t bytes);                        // of what is held, as a part of an opening
  void give_up(ReplyEvents& events);                  // the opening was none
  [[nodiscard]] std::size_t white();                  // at the front of what is held, in bytes
  [[nodiscard]] std::size_t skipped_fence(bool ended);
  [[nodiscard]] bool is_cut_call() const;  // is what is held the beginning of a call?
  [[nodiscard]] bool ends_with_word(std::string_view opening) const;
  void begin_call();

  const CallMarkup& markup_;
  std::vector<std::string> tools_;
  std::vector<std::string> sought_;  // in a text
  Place place_ = Place::Start;
  std::string held_;
  // Of what is held, white space at the front that was looked at: a model may write as much of it as it likes.
  std::size_t blanks_ = 0;
  std::size_t fence_ = 0;          // the same, of white space and a fence that is whole
  bool blanks_begin_line_ = true;  // may the word of a language behind them open a call?
  std::size_t end_blanks_ = 0;     // what is held, where it is the end of the whole answer and white space
  std::string opening_;            // what was taken since the opener began, should it turn out to be none
  std::string name_, id_;
  std::unique_ptr<CallReader> call_;
  bool is_list_ = false, is_fenced_ = false, is_wrapped_ = false;
  bool is_after_call_ = false;   // where white space is nobody's
  bool is_behind_call_ = false;  // with nothing but white space between
  bool line_begins_ = true;      // where the held text stands
  std::int32_t calls_ = 0, list_calls_ = 0;
  std::size_t read_again_ = 0;  // bytes that were taken for calls
};

// The calls, behind the thought. Where the template does not say how the family thinks: opener and closer, if not "".
[[nodiscard]] std::unique_ptr<ReplyFormat> read_marked_calls(const CallMarkup& markup,
                                                             const ReplyFormatOptions& options,
                                                             std::string_view thinking_opener = {},
                                                             std::string_view thinking_closer = {});

}  // namespace llama::internal
