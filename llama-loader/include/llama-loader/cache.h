// Keep downloaded models on the disk, as many as fit, and share them among programs and processes.
//
// The folder (default: $XDG_CACHE_HOME/llama-loader/models) has one folder per model, named by its key, with the files
// under their own names and a manifest: repository, commit, sizes, digests. There is no index that could be wrong; the
// manifests are read each time. What is on its way lies in .incoming; a model appears in one step, complete and
// verified. When it grows beyond its limit the models not used for longest go, except those that a process is using.
// Errors   Io, NoSpace, Cancelled; InvalidArgument (a key that is no name; a folder that a newer version has written).
// Threads  any number at once, and any number of processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-loader/hub_settings.h"

namespace llama {

struct CachedFileFacts {
  std::string path;  // in the repository
  std::uint64_t size_bytes = 0;
  std::string sha256;  // or, for a file that is not in large file storage, the git blob's sha1
};

struct CachedModel {
  std::string key;
  std::filesystem::path folder;
  std::string repo, endpoint, commit;  // "" for a model that was put in by hand; of a data set "datasets/org/name"
  std::vector<std::string> revisions;  // by which it was asked for; a data set's with the pattern: "main data/*.csv"
  std::vector<CachedFileFacts> files;  // in the model's order
  std::uint64_t size_bytes = 0;        // of all files
  // Without those that are links into Hugging Face's cache. A file that other entries have too counts in each.
  std::uint64_t owned_bytes = 0;
  std::int64_t last_used = 0;  // seconds since 1970
  bool in_use = false;         // by a process, when asked
  // What its removal frees: without files that other entries have too. Of list() and cleanup_old_models().
  std::optional<std::uint64_t> freed_bytes{};

  [[nodiscard]] std::vector<std::filesystem::path> paths() const;
};

struct CacheCleanup {
  std::vector<CachedModel> removed;
  std::uint64_t size_bytes = 0;  // of what is left, a file that several have once
};

struct CacheFault {
  std::string key;
  std::string what;  // "model.gguf: sha256 … instead of …"
};

class CacheManager {
 public:
  explicit CacheManager(std::filesystem::path folder = default_cache_folder());

  // 50 by default; nothing: no limit.
  CacheManager& with_max_size_gb(std::optional<std::uint64_t> gigabytes);
  CacheManager& with_max_size_bytes(std::optional<std::uint64_t> bytes);
  // Whether the first use of a ModelLoader cleans up.
  CacheManager& with_cleanup_on_start(bool cleanup);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::optional<std::uint64_t> max_size_bytes() const { return max_size_bytes_; }
  [[nodiscard]] bool cleanup_on_start() const { return cleanup_on_start_; }

  // "{repo}_{filename}_{size}_{modified}", where '/' '_' and '%' inside the first two are %2F %5F %25, so that
  // different models have different keys; a key that would be too long for a file name ends in a digest instead.
  // modified: when the repository last changed the file, seconds since 1970.
  [[nodiscard]] static std::string generate_cache_key(std::string_view repo, std::string_view filename,
                                                      std::uint64_t size_bytes, std::int64_t modified);

  // Nothing where there is none, or its files are not what they were.
  [[nodiscard]] Result<std::optional<CachedModel>> get_cached_model(const std::string& key) const;
  // Puts a local model file in under its own name (a hard link where the file system can, else a copy; of a symbolic
  // link, what it leads to).
  // Errors   NotFound; InvalidArgument: a name with '\', as "c:", or that is not UTF-8.
  [[nodiscard]] Result<CachedModel> cache_model(const std::filesystem::path& file, const std::string& key,
                                                const std::stop_token& stop = {}) const;
  // Removes the models not used for longest until the rest fits the limit.
  [[nodiscard]] Result<CacheCleanup> cleanup_old_models() const;

  // Last used first. Older versions cut long keys inside a character: such a one is no UTF-8.
  [[nodiscard]] Result<std::vector<CachedModel>> list() const;
  // Of all that list() has, a file that several have once.
  [[nodiscard]] Result<std::uint64_t> size_bytes() const;
  // Folders whose manifest cannot be read: damaged, or a newer version's. list() has none of them, and no limit counts
  // or removes them.
  [[nodiscard]] Result<std::vector<CacheFault>> unreadable() const;
  // One of list() or of unreadable(). Returns the bytes that this frees (of the latter 0).
  // Errors   NotFound, and InvalidArgument where a process is using it.
  [[nodiscard]] Result<std::uint64_t> remove(const std::string& key) const;
  // Computes every file's digest anew, whatever the manifests say; what is unreadable() is a fault.
  [[nodiscard]] Result<std::vector<CacheFault>> verify(const std::function<void(const CachedModel&)>& on_model = {},
                                                       const std::stop_token& stop = {}) const;
  // Downloads that nobody goes on with: their folders and sizes are removed. Returns the bytes.
  [[nodiscard]] Result<std::uint64_t> remove_partial_downloads() const;

 private:
  std::filesystem::path folder_;
  std::optional<std::uint64_t> max_size_bytes_ = 50'000'000'000;
  bool cleanup_on_start_ = false;
};

}  // namespace llama
