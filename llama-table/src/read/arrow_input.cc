#include "read/arrow_input.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <span>
#include <utility>

namespace llama::internal {

ArrowInput::ArrowInput(std::unique_ptr<InputBytes> reader) : reader_(std::move(reader)) {}

arrow::Status ArrowInput::Close() {
  is_closed_ = true;
  return arrow::Status::OK();
}

arrow::Result<std::int64_t> ArrowInput::Read(std::int64_t size, void* out) {
  const std::span<char> room(static_cast<char*>(out), static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < room.size()) {
    const auto count = reader_->read(room.subspan(done), stop_);
    if (!count) {
      error_ = count.error();
      return count.error().code == ErrorCode::Cancelled ? arrow::Status::Cancelled(count.error().message)
                                                        : arrow::Status::IOError(count.error().message);
    }
    if (*count == 0) break;
    done += *count;
  }
  position_ += static_cast<std::int64_t>(done);
  return static_cast<std::int64_t>(done);
}

// In steps, so that a size that damage made huge costs no more memory than there are bytes.
arrow::Result<std::shared_ptr<arrow::Buffer>> ArrowInput::Read(std::int64_t size) {
  constexpr std::int64_t kStepBytes = 64 << 20;
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::min(size, kStepBytes)));
  std::int64_t done = 0;
  while (done < size) {
    const std::int64_t step = std::min(size - done, std::max(kStepBytes, done));
    if (done > 0) ARROW_RETURN_NOT_OK(buffer->Resize(done + step));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t count, Read(step, buffer->mutable_data() + done));
    done += count;
    if (count < step) break;
  }
  ARROW_RETURN_NOT_OK(buffer->Resize(done));
  return buffer;
}

}  // namespace llama::internal
