// The cache's folder: where things lie in it, and the steps that must not be interrupted half-way.
//
//   VERSION, CACHEDIR.TAG
//   measured.json      what earlier runs measured (measurement_memory.h)
//   KEY/               a model: its files, manifest.json, .last_used (its time is the last use)
//   .incoming/DIGEST/  a file on its way (partial_file.h); .incoming/DATA SET/DIGEST/ one of a data set
//   .locks/            one lock file per model, per file on its way and per data set
//   .trash/            what is being removed
// Errors   Io, NoSpace, InvalidArgument (written by a newer version).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cache/manifest.h"
#include "llama-base/error.h"
#include "llama-base/file_lock.h"

namespace llama::internal {

struct CacheEntry {
  std::string key;
  std::filesystem::path folder;
  Manifest manifest;
  std::int64_t last_used = 0;

  [[nodiscard]] std::vector<std::filesystem::path> paths() const;
  // All files look as they did when their digests were computed.
  [[nodiscard]] bool looks_unchanged() const;
};

// A file that is to become part of an entry.
struct StagedFile {
  std::filesystem::path source;  // verified
  enum class How {
    Move,
    Copy,  // it stays where it is: a hard link where the file system can
    Link,  // a symbolic link to it
  } how = How::Move;
};

class CacheFolder {
 public:
  // Makes the folder if it can; one that is there but read-only serves for reading.
  [[nodiscard]] static Result<CacheFolder> open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }
  [[nodiscard]] bool has_locks() const { return locks_ != LockMechanism::None; }

  [[nodiscard]] std::vector<CacheEntry> entries() const;
  [[nodiscard]] std::optional<CacheEntry> entry(const std::string& key) const;
  // Has a manifest, and it cannot be read.
  [[nodiscard]] bool is_unreadable(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> unreadable() const;  // keys, sorted

  using OnWait = std::function<void(long process)>;
  [[nodiscard]] Result<FileLock> lock(const std::string& name, FileLock::Kind kind, const OnWait& on_wait,
                                      const std::stop_token& stop) const;
  [[nodiscard]] Result<std::optional<FileLock>> try_lock(const std::string& name, FileLock::Kind kind) const;

  // Where a file with this digest is put together; of this process alone where locks do not work.
  // group: "", or a name that many files share, and their lock too (sweep()).
  [[nodiscard]] std::filesystem::path incoming(const Digest& digest, const std::string& group = "") const;
  void discard_incoming(const Digest& digest, const std::string& group = "") const;

  // Requires the entry's exclusive lock. The files' fingerprints are filled in.
  [[nodiscard]] Result<CacheEntry> publish(const std::string& key, Manifest manifest,
                                           const std::vector<StagedFile>& files, const std::stop_token& stop) const;
  [[nodiscard]] Result<void> write_manifest(const CacheEntry& entry) const;
  [[nodiscard]] Result<void> remove(const std::string& key) const;  // Requires the entry's exclusive lock
  void touch(const CacheEntry& entry) const;                        // used now

 private:
  CacheFolder(std::filesystem::path folder, LockMechanism locks) : folder_(std::move(folder)), locks_(locks) {}
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::filesystem::path lock_file(const std::string& name) const;
  std::filesystem::path folder_;
  LockMechanism locks_;
};

}  // namespace llama::internal
