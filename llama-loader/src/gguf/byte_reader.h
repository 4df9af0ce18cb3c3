// Read forward through untrusted bytes, of a file or in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace llama::internal {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// No read goes past the end that was given: what fails leaves the rest unread, and the caller stops there.
class ByteReader {
 public:
  // `size` bytes of the file are there to read.
  ByteReader(File file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes), size_(bytes.size()) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t left() const { return size_ - offset_; }

  [[nodiscard]] bool read(void* to, std::uint64_t count) {
    if (count > left()) return false;
    if (count == 0) return true;
    if (file_ == nullptr) {
      std::memcpy(to, bytes_.data() + offset_, count);
    } else if (std::fread(to, 1, count, file_.get()) != count) {
      return false;
    }
    offset_ += count;
    return true;
  }

  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] bool number(T& value) {
    return read(&value, sizeof value);
  }

  [[nodiscard]] bool skip(std::uint64_t count) {
    if (count > left()) return false;
    if (file_ != nullptr && !skip_file(count)) return false;
    offset_ += count;
    return true;
  }

 private:
  // Reading beats seeking where little is skipped: a seek drops the buffer.
  [[nodiscard]] bool skip_file(std::uint64_t count) {
    char buffer[4096];
    if (count > (1 << 20)) return fseeko(file_.get(), static_cast<off_t>(count), SEEK_CUR) == 0;
    while (count > 0) {
      const std::uint64_t step = std::min<std::uint64_t>(count, sizeof buffer);
      if (std::fread(buffer, 1, step, file_.get()) != step) return false;
      count -= step;
    }
    return true;
  }

  File file_;
  std::span<const std::byte> bytes_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

}  // namespace llama::internal
