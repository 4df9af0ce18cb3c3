// Hold all vectors of a table at once, as they are stored: in memory, or in a file without a name.
//
// Threads  different vectors may be written, and any read, by any number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "llama-base/error.h"

namespace llama::internal {

class HeldVectors {
 public:
  // Errors   NoSpace, Io: the file; OutOfMemory.
  [[nodiscard]] static Result<HeldVectors> create(std::uint64_t count, std::size_t stride, std::uint64_t max_memory,
                                                  const std::filesystem::path& folder);
  ~HeldVectors();
  HeldVectors(HeldVectors&& other) noexcept;
  HeldVectors& operator=(HeldVectors&&) = delete;

  [[nodiscard]] std::byte* vector(std::uint64_t row) { return bytes_ + row * stride_; }
  [[nodiscard]] const std::byte* vector(std::uint64_t row) const { return bytes_ + row * stride_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }
  [[nodiscard]] bool is_in_file() const { return is_in_file_; }

 private:
  HeldVectors() = default;
  std::byte* bytes_ = nullptr;
  std::uint64_t size_ = 0;
  std::size_t stride_ = 0;
  bool is_in_file_ = false;
};

}  // namespace llama::internal
