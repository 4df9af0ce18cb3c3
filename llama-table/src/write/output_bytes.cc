#include "output_bytes.h"

#include <arrow/status.h>

#include <cerrno>
#include <cstdint>
#include <format>
#include <system_error>

namespace llama::internal {
namespace {

constexpr std::size_t kSmallPieces = 256 << 10;

}  // namespace

arrow::Status OutputBytes::put(std::string_view bytes) {
  if (auto done = put_(bytes); !done) {
    error_ = done.error();
    closed_ = true;
    return arrow::Status::IOError(error_->message);
  }
  return arrow::Status::OK();
}

arrow::Status OutputBytes::Write(const void* data, std::int64_t size) {
  if (closed_) return arrow::Status::IOError("it is closed");
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  position_ += size;
  if (buffer_.size() + bytes.size() < kSmallPieces) {
    buffer_.append(bytes);
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(Flush());
  return put(bytes);
}

arrow::Status OutputBytes::Flush() {
  if (closed_) return arrow::Status::IOError("it is closed");
  if (buffer_.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(put(buffer_));
  buffer_.clear();
  return arrow::Status::OK();
}

arrow::Status OutputBytes::Close() {
  if (closed_) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(Flush());
  closed_ = true;
  return arrow::Status::OK();
}

Result<void> put_to_output(StoppableOutput& output, std::string_view name, std::string_view bytes,
                           const std::stop_token& stop) {
  const std::error_code error = output.write(bytes, [&] { return stop.stop_requested(); });
  if (!error) return {};
  if (error == std::errc::operation_canceled)
    return fail(ErrorCode::Cancelled, std::format("{} takes nothing, so its last batch is cut short", name));
  const bool is_full = error.value() == ENOSPC || error.value() == EDQUOT || error.value() == EFBIG;
  const std::string reason = error == std::errc::broken_pipe ? "the program that reads it has ended" : error.message();
  return fail(is_full ? ErrorCode::NoSpace : ErrorCode::Io, std::format("{} cannot be written: {}", name, reason));
}

std::unexpected<Error> output_error(std::string_view name, std::string_view reason) {
  std::string line(reason);
  for (char& c : line) c = c == '\n' ? ' ' : c;
  return fail(ErrorCode::Io, std::format("{} cannot be written: {}", name, line));
}

std::unexpected<Error> output_error(std::string_view name, const arrow::Status& status, const OutputBytes* bytes) {
  if (bytes != nullptr && bytes->error()) return std::unexpected(*bytes->error());
  auto error = output_error(name, status.message());
  if (status.IsOutOfMemory()) error.error().code = ErrorCode::OutOfMemory;
  return error;
}

}  // namespace llama::internal
