// A reply in which calls stand between markers: text goes through up to an opener, then a CallBlock reads.
//
// A reply is read byte by byte, so that no split of it can matter. White space before an opener and after a block
// belongs to neither text nor call, and a closer behind a block is skipped, however many there are. What is no call
// after all is text: its opener at once, and what follows is looked at anew.
// Cost     one pass; what is no call is read twice, up to kMaxReadAgain bytes of a reply: more of it is text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "call_block.h"
#include "held_text.h"
#include "reply_format.h"

namespace llama::internal {

struct CallOpener {
  std::string text;
  std::function<std::unique_ptr<CallBlock>()> block{};  // none: the reply is over, whatever follows
  bool is_read_again = false;                           // by the block: it has a part of the call in it
  bool begins_line = false;                             // counts only at the beginning of a line
  bool begins_text = false;                             // as often as a call
};

class BlockReply final : public ReplyFormat {
 public:
  // No opener begins with another.
  BlockReply(std::vector<CallOpener> openers, std::vector<std::string> closers);

  void push(const ReplyPiece& piece, ReplyEvents& events) override;
  void finish(ReplyEnd end, ReplyEvents& events) override;
  [[nodiscard]] bool is_over() const override { return is_over_; }

 private:
  void read(char c, ReplyEvents& events);
  void take(char c, ReplyEvents& events);
  void take_text(char c, ReplyEvents& events);
  bool skip_closer(char c);
  void open(const CallOpener& opener, std::string_view blanks, ReplyEvents& events);
  void take_call(char c, ReplyEvents& events);
  void give_up(ReplyEvents& events);
  void finish_block(ReplyEnd end, ReplyEvents& events);
  void show(std::string_view text, ReplyEvents& events);

  std::vector<CallOpener> openers_;
  std::vector<std::string> opener_texts_, closers_;
  CallTeller teller_;
  std::unique_ptr<CallBlock> block_;
  std::int32_t begun_before_ = 0;  // calls, when the block was opened
  std::string opening_;            // the block's opener and the white space before it
  std::size_t read_again_ = 0;     // bytes of the opener that the block was given too
  bool may_be_text_ = false;       // the block, before its call has begun
  HeldText held_;                  // text that may become white space before an opener, or the opener
  bool is_after_block_ = false;    // where closers and white space are nobody's
  bool is_behind_block_ = false;   // with nothing but white space between
  bool line_begins_ = true;        // where the held text stands
  bool is_over_ = false;
  // What blocks gave back, and how much of it was read.
  struct GivenBack {
    std::string bytes;
    std::size_t read = 0;
  };
  std::vector<GivenBack> given_back_;  // the last one is read first
  std::size_t read_again_in_all_ = 0;
};

}  // namespace llama::internal
