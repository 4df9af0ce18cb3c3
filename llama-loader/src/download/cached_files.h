// Find contents among the files of the cache's entries, and keep the entries that they are taken from.
//
// Errors   none: what cannot be looked at or kept is not there.
// Cost     reads all manifests once; an open file for each entry that something is taken from.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "cache/cache_folder.h"

namespace llama::internal {

class CachedFiles {
 public:
  // own_key: of the entry that the caller has locked already.
  CachedFiles(const CacheFolder& folder, std::string own_key);

  // A file that looks as it did when its digest was computed. Until let_go() nobody removes the entry that it is of;
  // one that somebody is working on is passed over.
  [[nodiscard]] std::optional<std::filesystem::path> find(const Digest& digest);
  // From then on there are only the files of the caller's own entry. False: nothing else was kept.
  bool let_go();

 private:
  struct Place {
    std::string key;  // of the entry
    std::filesystem::path path;
    Fingerprint fingerprint;
  };
  [[nodiscard]] bool keep(const std::string& key);

  const CacheFolder& folder_;
  std::string own_key_;
  std::multimap<std::string, Place> places_;  // by digest; of the entry that was used last first
  std::map<std::string, FileLock> kept_;      // by the entry's key
};

}  // namespace llama::internal
