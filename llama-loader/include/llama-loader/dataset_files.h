// Fetch files of a Hugging Face data set: "hf://datasets/ORG/NAME[@REVISION][/PATH]".
//
// PATH names one file, a folder, or is a glob: `*` and `?` within a name, `[a-z]`, `**` for any folders; a wildcard
// does not match a '.' that a name begins with. A folder, or no PATH, means the tables in it and in its folders, all
// of one kind: the first of Parquet, Arrow, JSON Lines, CSV, TSV, JSON and text that it has (what is left out is said).
// Everything is as for models (model_loader.h): the revision becomes a commit once, sizes and digests are the hub's and
// checked, downloads resume, the cache keeps what came, within its limit. The files lie below one folder under their
// own names. What another set of files has too, of any commit, is not fetched again nor stored twice.
// Errors   those of model_loader.h. NotFound: no such data set (or it is a model's name), revision or file; the message
//          has the number of files and the nearest names. AccessDenied: private, gated. Offline: not in the cache.
//          NoSpace: more than the cache may have, or the disk has.
// Threads  any number at once, and any number of processes.
// Source   the form: huggingface_hub 2.4, utils/_hf_uris.py and HfFileSystem.resolve_path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-loader/cache.h"
#include "llama-loader/download_progress.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/retry.h"

namespace llama {

struct DatasetSource {
  std::string repo;               // "organization/name"
  std::string revision = "main";  // a branch, a tag, a commit, "refs/convert/parquet"
  std::string pattern{};          // a file, a folder, a glob; "": all of it

  [[nodiscard]] std::string to_string() const;  // as parse_dataset_uri() reads it
};

// Whether a text is meant as one, sound or not: "hf://…".
[[nodiscard]] bool is_dataset_uri(std::string_view text);

// A slash in a revision is written %2F, except in refs/pr/N and refs/convert/NAME; @~parquet is
// @refs/convert/parquet, the hub's own conversion.
// Errors   InvalidArgument, saying the form; of a model's or another repository's URI that data sets are meant.
[[nodiscard]] Result<DatasetSource> parse_dataset_uri(std::string_view uri);

struct DatasetFile {
  std::string path;            // in the data set
  std::filesystem::path file;  // on the disk; the name's ending is the path's
  std::uint64_t size_bytes = 0;
  std::string sha256{};    // of the content; "" for a file that is not in large file storage
  std::string git_sha1{};  // of the git blob, for such a file
};

struct DatasetFiles {
  DatasetSource source;
  std::string commit;               // what the revision was
  std::vector<DatasetFile> files;   // in their natural order: part-2 before part-10; never empty
  bool cache_hit = false;           // nothing was downloaded
  std::shared_ptr<const void> use;  // while a copy of it lives, the cache keeps the files
};

struct DatasetOptions {
  // Whether the hub is asked for a branch or tag that the cache has: data grows. It is not asked for a commit that the
  // cache has; where it cannot be reached, what the cache has is used, and that is said.
  bool ask_hub = true;
  std::function<void(const DownloadProgress&)> on_download{};  // ten times a second, from the calling thread
  std::function<void(std::string_view line)> on_message{};     // for people; from any thread, one at a time
  std::stop_token stop{};
};

class DatasetLoader {
 public:
  // Settings from the environment's variables, the default cache.
  DatasetLoader();
  explicit DatasetLoader(CacheManager cache, RetryConfig retry = {}, std::optional<HubSettings> hub = std::nullopt);

  [[nodiscard]] Result<DatasetFiles> fetch(const DatasetSource& source, const DatasetOptions& options = {}) const;

  [[nodiscard]] const CacheManager& cache() const { return cache_; }

 private:
  CacheManager cache_;
  RetryConfig retry_;
  std::optional<HubSettings> hub_;  // nothing: the environment's, read when needed
};

}  // namespace llama
