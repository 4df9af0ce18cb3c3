// A file that has its name only when it is complete and on the disk.
//
// Until commit() it lies in the same folder under a hidden name of its own (.NAME.PID-NUMBER.partial), so that a crash
// leaves the old file or the new one, never half of one, and two processes that write the same name do not mix.
//
// Errors   NoSpace (disk full, quota), Io; the message names the path.
// Threads  one at a time per object.
#pragma once

#include <filesystem>
#include <string_view>

#include "llama-base/disk.h"
#include "llama-base/error.h"

namespace llama::internal {

struct AtomicFileOptions {
  unsigned mode = 0666;    // the process's umask applies
  bool replace = true;     // false: commit() fails where the name is taken by then
  bool is_durable = true;  // false: a power cut may lose the file, though never leave half of it
};

class AtomicFile {
 public:
  [[nodiscard]] static Result<AtomicFile> create(const std::filesystem::path& path, AtomicFileOptions options = {});
  ~AtomicFile();  // without commit() nothing is left
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Where the bytes are until commit(), for a library that opens files itself.
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

  [[nodiscard]] Result<void> write(std::string_view bytes);
  [[nodiscard]] Result<void> commit();  // once

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, FileHandle file, AtomicFileOptions options);
  std::filesystem::path path_, temporary_;
  FileHandle file_;
  AtomicFileOptions options_;
};

}  // namespace llama::internal
