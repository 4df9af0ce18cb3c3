// Say what went wrong: a code to act on and one line to show.
//
// A code exists only if some caller acts differently on it (exit status, retry, shrink). Nobody parses a message.
// Everything that can fail returns Result<T>; the libraries never print, abort, exit, or throw across their boundary.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace llama {

enum class ErrorCode {
  InvalidArgument,  // the caller's mistake: a number out of range, a name that means nothing
  InvalidQuery,     // SQL with an error, or that does more than read: a query or a condition of rows
  NotFound,         // a file or folder that is not there
  InvalidModel,     // a model file that is damaged, of the wrong kind, or unknown to llama.cpp
  NoPooling,        // a model that does not say how its tokens' vectors become one; the caller may say it
  InvalidText,      // a text that cannot become tokens (not UTF-8, no tokens)
  ContextFull,      // more tokens than the context holds
  OutOfMemory,
  Io,            // reading or writing failed
  NoSpace,       // the disk is full, or the model cache may not grow
  AccessDenied,  // the hub wants a token, another token, or consent to terms
  RateLimited,   // the hub asks to come back later
  Network,       // the hub is out of reach or does not answer sensibly; later it may
  Offline,       // the network would be needed and may not be used
  Corrupt,       // what came is not what was published: the digest differs
  Cancelled,     // a stop was requested
  Busy,          // as many requests wait as may; later there is room
  TimedOut,      // it took longer than it may
  Internal,      // llama.cpp failed where it should not have
};

struct Error {
  ErrorCode code;
  std::string message;  // one line that names the thing; for people
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace llama
