// Take the bytes of one output from Arrow, and remember why they could not be written.
//
// Arrow's own streams report a text; this one keeps the Error, so that a full disk stays NoSpace. Small pieces are
// gathered; after an error nothing more is written, whatever Arrow's destructors still try.
//
// Threads  one at a time.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-base/stoppable_output.h"

namespace llama::internal {

class OutputBytes final : public arrow::io::OutputStream {
 public:
  using Put = std::function<Result<void>(std::string_view bytes)>;

  explicit OutputBytes(Put put) : put_(std::move(put)) {}
  // Not Close(): what was not handed on is dropped.
  ~OutputBytes() override = default;

  using arrow::io::OutputStream::Write;
  [[nodiscard]] arrow::Status Write(const void* data, std::int64_t size) override;
  [[nodiscard]] arrow::Status Flush() override;
  [[nodiscard]] arrow::Status Close() override;
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return position_; }
  [[nodiscard]] bool closed() const override { return closed_; }

  [[nodiscard]] std::uint64_t position() const { return static_cast<std::uint64_t>(position_); }
  // Why the first write failed.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  // From now on every write fails.
  void abandon() { closed_ = true; }

 private:
  [[nodiscard]] arrow::Status put(std::string_view bytes);

  Put put_;
  std::string buffer_;
  std::int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

// Errors   Io, NoSpace, Cancelled; `name` is what people call it.
[[nodiscard]] Result<void> put_to_output(StoppableOutput& output, std::string_view name, std::string_view bytes,
                                         const std::stop_token& stop);

// What Arrow's failure was: the stream's own error, or Arrow's words.
[[nodiscard]] std::unexpected<Error> output_error(std::string_view name, const arrow::Status& status,
                                                  const OutputBytes* bytes = nullptr);
[[nodiscard]] std::unexpected<Error> output_error(std::string_view name, std::string_view reason);

}  // namespace llama::internal
