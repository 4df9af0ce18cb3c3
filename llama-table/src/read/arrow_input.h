// Let Arrow read what a InputBytes reads, with stops.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "llama-base/error.h"
#include "read/byte_reader.h"

namespace llama::internal {

class ArrowInput : public arrow::io::InputStream {
 public:
  explicit ArrowInput(std::unique_ptr<InputBytes> reader);
  ~ArrowInput() override = default;

  // What a read that waits looks at, until the next call.
  void set_stop(const std::stop_token& stop) { stop_ = stop; }
  // Why the last read failed.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  arrow::Status Close() override;
  [[nodiscard]] bool closed() const override { return is_closed_; }
  [[nodiscard]] arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;

 private:
  std::unique_ptr<InputBytes> reader_;
  std::stop_token stop_;
  std::optional<Error> error_;
  std::int64_t position_ = 0;
  bool is_closed_ = false;
};

}  // namespace llama::internal
