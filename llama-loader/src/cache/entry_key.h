// Find the name of the cache's entry for a choice of files.
#pragma once

#include <string>
#include <vector>

#include "cache/cache_folder.h"
#include "hub/model_choice.h"

namespace llama::internal {

[[nodiscard]] bool is_made_of(const CacheEntry& entry, const std::vector<HubFile>& files);

// CacheManager::generate_cache_key() of the first file; where an entry of this name has another content (from another
// endpoint, of a data set whose first file is the same, with a date that did not change), with a digest in it.
[[nodiscard]] std::string entry_key(const CacheFolder& folder, const std::string& repo, const ModelChoice& choice);

}  // namespace llama::internal
