#include "reply_stream.h"

#include <utility>

namespace llama::internal {

void ReplyStream::write(StreamChunk chunk) {
  {
    const std::scoped_lock lock(mutex_);
    chunks_.push_back(std::move(chunk));
  }
  changed_.notify_one();
}

void ReplyStream::end(Result<GenerationResponse> end) {
  {
    const std::scoped_lock lock(mutex_);
    if (end_) return;
    end_ = std::move(end);
  }
  changed_.notify_all();
}

Result<std::optional<StreamChunk>> ReplyStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !chunks_.empty() || end_; });
  if (!chunks_.empty()) {
    std::optional<StreamChunk> chunk = std::move(chunks_.front());
    chunks_.pop_front();
    return chunk;
  }
  if (!*end_) return std::unexpected(end_->error());
  return std::nullopt;
}

bool ReplyStream::has_ended() const {
  const std::scoped_lock lock(mutex_);
  return end_.has_value();
}

}  // namespace llama::internal
