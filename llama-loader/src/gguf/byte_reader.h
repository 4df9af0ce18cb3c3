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
  ByteReader(File file, std::uint64_t size)
      : file_(std::move(file)), size_(size), buffer_(std::make_unique<std::byte[]>(kBuffer)) {
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  }
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes), size_(bytes.size()) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t left() const { return size_ - offset_; }

  [[nodiscard]] bool read(void* to, std::uint64_t count) {
    if (count > left()) return false;
    if (count == 0) return true;
    if (file_ == nullptr) {
      std::memcpy(to, bytes_.data() + offset_, count);
    } else if (!read_file(static_cast<std::byte*>(to), count)) {
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
  // A vocabulary is hundreds of thousands of reads of a few bytes, for each of which the C library takes a lock.
  static constexpr std::size_t kBuffer = std::size_t{64} << 10;

  // What is left of the buffer, or what comes next in the file; nothing: it has ended.
  [[nodiscard]] std::span<const std::byte> buffered() {
    if (used_ == filled_) {
      used_ = 0;
      filled_ = std::fread(buffer_.get(), 1, kBuffer, file_.get());
    }
    return {buffer_.get() + used_, filled_ - used_};
  }

  [[nodiscard]] bool read_file(std::byte* to, std::uint64_t count) {
    while (count > 0) {
      const std::span<const std::byte> next = buffered();
      const std::size_t step = std::min<std::uint64_t>(count, next.size());
      if (step == 0) return false;
      std::memcpy(to, next.data(), step);
      used_ += step;
      to += step;
      count -= step;
    }
    return true;
  }

  // Reading beats seeking where little is skipped.
  [[nodiscard]] bool skip_file(std::uint64_t count) {
    const std::uint64_t here = std::min<std::uint64_t>(count, filled_ - used_);
    used_ += here;
    count -= here;
    if (count > (1 << 20)) return fseeko(file_.get(), static_cast<off_t>(count), SEEK_CUR) == 0;
    while (count > 0) {
      const std::size_t step = std::min<std::uint64_t>(count, buffered().size());
      if (step == 0) return false;
      used_ += step;
      count -= step;
    }
    return true;
  }

  File file_;
  std::span<const std::byte> bytes_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  std::unique_ptr<std::byte[]> buffer_;  // of the file
  std::size_t used_ = 0, filled_ = 0;    // bytes of it
};

}  // namespace llama::internal
