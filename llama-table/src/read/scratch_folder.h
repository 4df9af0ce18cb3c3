// A folder for what does not fit into memory: this process' alone, whoever else uses TMPDIR, and gone at the end.
//
// TMPDIR/llama-table-USER-MACHINE-XXXXXX, for this user alone. Its holder keeps it locked with flock(), and the kernel
// frees that when the holder dies: so a folder that a killed process left is known, and goes.
// Threads  any number at once.
#pragma once

#include <filesystem>
#include <utility>

#include "llama-base/disk.h"

namespace llama::internal {

class ScratchFolder {
 public:
  ScratchFolder() = default;  // none
  // Where none can be made, the path is of one that does not exist: whoever writes to it finds out.
  [[nodiscard]] static ScratchFolder make();
  [[nodiscard]] static ScratchFolder make_in(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept { *this = std::move(other); }
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileHandle lock_;
  bool is_made_ = false;
};

// Remove what killed processes of this user have left, of this machine's alone: others' locks are not always seen.
void remove_left_scratch(const std::filesystem::path& parent);

}  // namespace llama::internal
