// A source of texts that follows a script: batches of any size, pauses, failures, and an end of its own kind.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <utility>

#include "llama-embedding/text_source.h"

namespace llama {

class ScriptedSource : public TextSource {
 public:
  // Answered one after the other, whatever the limits say; then the end.
  explicit ScriptedSource(std::deque<Result<SourceBatch>> batches) : batches_(std::move(batches)) {}
  // Asked for each batch, for scripts that wait for something.
  explicit ScriptedSource(std::function<Result<SourceBatch>(const std::stop_token&)> script)
      : script_(std::move(script)) {}

  Result<SourceBatch> next(SourceLimits, const std::stop_token& stop) override {
    if (script_) return script_(stop);
    if (batches_.empty()) return SourceBatch{.texts = {}, .skipped = 0, .state = SourceState::End};
    auto batch = std::move(batches_.front());
    batches_.pop_front();
    return batch;
  }

 private:
  std::deque<Result<SourceBatch>> batches_;
  std::function<Result<SourceBatch>(const std::stop_token&)> script_;
};

}  // namespace llama
