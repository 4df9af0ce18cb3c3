// Bring the files of a chosen model or data set together: those that lie on this machine already, and the others from
// the hub.
//
// Files with the same content (two parts of a split model may have it) are fetched once, small ones several at a time.
// No other process fetches them meanwhile, nor takes them away, until they are published: a lock for each content of a
// model; one for a whole data set, which may have more files than a process can open.
// Errors   those of download.h, and InvalidModel: a header that is not sound.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache_folder.h"
#include "download/cached_files.h"
#include "download/fetch.h"
#include "llama-loader/huggingface.h"

namespace llama::internal {

class ModelFiles {
 public:
  // key: of the entry that they will be; what an earlier one left there is used.
  ModelFiles(const FetchEnvironment& environment, const CacheFolder& folder, const HubRepository& repository,
             const std::vector<HubFile>& files, std::string key);

  // Before all else: a data set's lock. A model's are taken by download_rest().
  [[nodiscard]] Result<void> lock_group(const CacheFolder::OnWait& on_wait);
  // Looks for contents on this machine, by their digests. Nobody takes away what was found in the cache.
  [[nodiscard]] Result<void> find_here();
  // Where the cache has no room beside the entries that contents were found in: those may go, and what was found there
  // is missing then. False: there were none. Requires a call of find_here().
  [[nodiscard]] bool let_others_go();
  [[nodiscard]] std::uint64_t missing_bytes() const;
  // Requires a call of find_here().
  [[nodiscard]] Result<void> download_rest(const CacheFolder::OnWait& on_wait);
  // A right digest says that a file is what was published, and nothing about whether that is sound.
  [[nodiscard]] Result<void> check_headers() const;
  // Requires all of them there; in the model's order.
  [[nodiscard]] std::vector<StagedFile> staged() const;
  void discard_incoming() const;

 private:
  [[nodiscard]] bool is_missing(std::size_t number) const;
  [[nodiscard]] std::optional<StagedFile> look_for(const HubFile& file);
  [[nodiscard]] Result<void> lock_missing(const CacheFolder::OnWait& on_wait);
  // How much has come, for people; of files that are fetched side by side the one that a worker began last is named.
  class Progress;
  struct Way {  // to the hub
    TransportFactory transport;
    const HubSettings& settings;
    std::stop_token stop;
  };
  [[nodiscard]] Result<void> download_one(std::size_t number, const Way& way,
                                          const std::function<void(std::uint64_t bytes)>& on_progress);
  [[nodiscard]] Result<void> download_small(const std::vector<std::size_t>& numbers, Progress& progress);

  const FetchEnvironment& environment_;
  const CacheFolder& folder_;
  const HubRepository& repository_;
  const std::vector<HubFile>& files_;
  std::string key_;
  std::optional<CachedFiles> cached_;  // since find_here()
  std::string group_;                  // "" for a model
  std::vector<FileLock> locks_;
  std::uint64_t size_bytes_ = 0;                  // of all files
  std::vector<std::size_t> first_;                // the number of the first file with each one's content
  std::vector<std::uint64_t> copies_;             // of the first file with each content: how many have it
  std::vector<std::optional<StagedFile>> found_;  // of the first file with each content
};

}  // namespace llama::internal
