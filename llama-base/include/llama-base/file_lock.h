// Keep processes and threads out of each other's way, with locks that the kernel frees when their holder dies.
//
// A lock belongs to the opened file, so two threads of one process exclude each other as well. Lock files are never
// deleted: a deleted one could be made anew and locked by another process.
// There are file systems on which flock() succeeds and does nothing; probe_locks() finds out and turns to fcntl's
// locks.
//
// Source   huggingface_hub issues 2399, 4228, 4306 (Lustre without flock); hf-hub issue 115 (a timeout of 10 s).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>

#include "llama-base/disk.h"
#include "llama-base/error.h"

namespace llama::internal {

enum class LockMechanism { Flock, OpenFile, None };

// Tries the mechanisms on a file in the folder. None: the folder is read-only, or no lock excludes anyone.
[[nodiscard]] LockMechanism probe_locks(const std::filesystem::path& folder);

class FileLock {
 public:
  enum class Kind { Shared, Exclusive };

  // Nothing where another holds it. With mechanism None it always succeeds.
  // Errors   Io, NoSpace: the lock file cannot be made.
  [[nodiscard]] static Result<std::optional<FileLock>> try_lock(const std::filesystem::path& path, Kind kind,
                                                                LockMechanism mechanism);

  // Waits as long as it takes; says whom for (a process number, 0: not known), at first and when that changes.
  // Errors   as above, and Cancelled.
  [[nodiscard]] static Result<FileLock> lock(const std::filesystem::path& path, Kind kind, LockMechanism mechanism,
                                             const std::function<void(long process)>& on_wait,
                                             const std::stop_token& stop);

  void share();  // an exclusive lock becomes a shared one

 private:
  FileLock(FileHandle file, LockMechanism mechanism) : file_(std::move(file)), mechanism_(mechanism) {}
  FileHandle file_;
  LockMechanism mechanism_;
};

}  // namespace llama::internal
