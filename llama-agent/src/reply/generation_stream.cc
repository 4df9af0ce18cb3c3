#include "generation_stream.h"

#include <utility>

namespace llama {

GenerationStream::GenerationStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
GenerationStream::GenerationStream(GenerationStream&&) noexcept = default;
GenerationStream& GenerationStream::operator=(GenerationStream&& other) noexcept {
  if (this != &other) {
    if (state_) state_->cancel.request_stop();
    state_ = std::move(other.state_);
  }
  return *this;
}
GenerationStream::~GenerationStream() {
  if (state_) state_->cancel.request_stop();
}

Result<std::optional<StreamChunk>> GenerationStream::next() { return state_->stream->next(); }
const GenerationResponse& GenerationStream::response() const { return *state_->stream->ended(); }
void GenerationStream::cancel() { state_->cancel.request_stop(); }

}  // namespace llama
