// What stands between the markers of a family's calls: read byte by byte, told as events.
//
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llama-agent/reply_event.h"

namespace llama::internal {

// Tells calls, numbered in the order in which they begin; pieces of the same arguments become one event.
class CallTeller {
 public:
  void begin(std::string_view name, ReplyEvents& events);
  void arguments(std::string_view json, ReplyEvents& events) const;
  void end(bool is_complete, ReplyEvents& events);

  [[nodiscard]] std::int32_t begun() const { return begun_; }
  [[nodiscard]] bool is_in_call() const { return is_in_call_; }

 private:
  std::int32_t begun_ = 0;
  bool is_in_call_ = false;
};

class CallBlock {
 public:
  enum class Took {
    More,   // and more is wanted
    Last,   // the block ends with this byte
    Wrong,  // nothing of unread() belongs to the block, this byte is the last of it
  };
  virtual ~CallBlock() = default;
  virtual Took take(char c, CallTeller& teller, ReplyEvents& events) = 0;
  // The text ended. is_whole: the model ended it, so that missing closers are forgiven.
  virtual void finish(bool is_whole, CallTeller& teller, ReplyEvents& events) = 0;
  // What was taken and is not told; after an end that a caller sees as Wrong it is text.
  [[nodiscard]] virtual const std::string& unread() const = 0;
};

constexpr std::size_t kMaxCallName = 256;  // bytes; what is longer is no name

[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace llama::internal
