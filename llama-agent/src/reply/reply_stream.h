// Hand the chunks of one reply from the engine to its reader.
//
// It holds at most as many chunks as the reply may have tokens, so a slow reader loses nothing and stops nobody.
// Threads  the engine's thread writes, one other reads.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

#include "llama-agent/generation_request.h"
#include "llama-base/error.h"

namespace llama::internal {

class ReplyStream {
 public:
  void write(StreamChunk chunk);
  // The last thing written.
  void end(Result<GenerationResponse> end);

  // The next chunk; nothing at the end. Waits.
  //
  // Errors   what the engine ended it with.
  [[nodiscard]] Result<std::optional<StreamChunk>> next();
  // Requires that next() came to the end.
  [[nodiscard]] const Result<GenerationResponse>& ended() const { return *end_; }
  [[nodiscard]] bool has_ended() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<StreamChunk> chunks_;
  std::optional<Result<GenerationResponse>> end_;
};

}  // namespace llama::internal
