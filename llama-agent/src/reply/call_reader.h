// Read one call of a tool, from where its markers have ended to where it ends itself, and tell its events.
//
// Threads  one at a time.
#pragma once

#include <string>
#include <string_view>

#include "llama-agent/reply_event.h"

namespace llama::internal {

class CallReader {
 public:
  virtual ~CallReader() = default;
  // Takes bytes up to the call's end, or up to where it is none; returns how many.
  virtual std::size_t push(std::string_view text, ReplyEvents& events) = 0;
  // The text ended. is_whole: nothing was cut off, so that a missing last brace is forgiven.
  virtual void finish(bool is_whole, ReplyEvents& events) = 0;

  [[nodiscard]] virtual bool is_over() const = 0;
  [[nodiscard]] virtual bool has_begun() const = 0;  // told
  // What was read, as long as nothing of it has been told.
  [[nodiscard]] virtual const std::string& untold() const = 0;
};

}  // namespace llama::internal
