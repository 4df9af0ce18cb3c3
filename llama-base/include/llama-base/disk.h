// Put things on the disk such that a crash finds the old or the new, never half of it.
//
// Errors   NoSpace (disk full, quota), Io; the message names the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "llama-base/error.h"

namespace llama::internal {

// A file descriptor that closes itself.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  [[nodiscard]] int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// The error that errno stands for.
[[nodiscard]] std::unexpected<Error> disk_error(std::string_view what, const std::filesystem::path& path, int number);

struct ReplaceOptions {
  unsigned mode = 0644;    // the process's umask applies
  bool is_durable = true;  // false: a power cut may lose the new file, though never leave half of it
};

// A new small file in the place of an old one (atomic_file.h).
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                        ReplaceOptions options = {});

[[nodiscard]] Result<void> make_folders(const std::filesystem::path& folder);
[[nodiscard]] Result<void> sync_file(const std::filesystem::path& path);  // also folders
[[nodiscard]] Result<void> rename_over(const std::filesystem::path& from, const std::filesystem::path& to);

// Free bytes for this user; the largest number where it cannot be told.
[[nodiscard]] std::uint64_t free_space(const std::filesystem::path& folder);

// A whole small file; nothing where it is missing or larger.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace llama::internal
