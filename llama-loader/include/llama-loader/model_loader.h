// Turn a model's name into a loaded model: find or fetch its files, check them, load them.
//
// A name on the hub is looked for in the cache first, and a model that is there needs no network; a new one is
// downloaded (resumed where an earlier attempt stopped), verified against the hub's digest and its GGUF header checked
// before llama.cpp sees it. While the model lives, the cache keeps its files. A file that
// the process has loaded already, with the same choice of a device, is not loaded again: embedding and generating share
// the model.
// Errors   NotFound (folder, file, repository, a part of a split model), InvalidModel, AccessDenied, RateLimited,
// Network, Offline,
//          Corrupt, NoSpace, Io, Cancelled, InvalidArgument; each message names the thing and the way out.
// Threads  any number at once.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-loader/cache.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/model_config.h"
#include "llama-loader/retry.h"

namespace llama {

// A repository's model on the disk.
struct FetchedFiles {
  CachedModel model;
  bool cache_hit = false;
};

class ModelLoader {
 public:
  // Settings from the environment's variables, the default cache.
  ModelLoader();
  explicit ModelLoader(CacheManager cache, RetryConfig retry = {}, std::optional<HubSettings> hub = std::nullopt);

  [[nodiscard]] Result<LoadedModel> load_model(const ModelConfig& config) const;
  [[nodiscard]] Result<LoadedModel> load_huggingface_model(
      const std::string& repo, const std::optional<std::string>& filename = std::nullopt) const;
  [[nodiscard]] Result<LoadedModel> load_local_model(const std::filesystem::path& folder,
                                                     const std::optional<std::string>& filename = std::nullopt) const;

  // Brings a repository's model into the cache without loading it. ask_hub: even where the cache has one, because the
  // revision may have moved since.
  [[nodiscard]] Result<FetchedFiles> fetch(const ModelConfig& config, bool ask_hub = false) const;

  [[nodiscard]] const CacheManager& cache() const { return cache_; }

 private:
  CacheManager cache_;
  RetryConfig retry_;
  std::optional<HubSettings> hub_;  // nothing: the environment's, read when needed
};

// The files of a local model in order, each header checked.
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_local_model(const LocalSource& source);

// Their sha256_of_parts() (multipart.h).
// Cost     each is read once: about a second for a gigabyte that is in memory.
[[nodiscard]] Result<std::string> digest_of_local_model(const LocalSource& source, const std::stop_token& stop = {});

}  // namespace llama
