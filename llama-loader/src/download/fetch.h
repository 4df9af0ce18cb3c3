// Bring a repository's model into the cache, or find it there.
//
// Errors   those of huggingface.h and detection.h, NoSpace, Io, Corrupt, InvalidModel (a header that is not sound;
//          nothing is published), Cancelled.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

#include "cache/cache_folder.h"
#include "llama-http/http_transport.h"
#include "llama-loader/cache.h"
#include "llama-loader/download_progress.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/retry.h"

namespace llama::internal {

struct FetchEnvironment {
  const CacheManager& cache;
  const HubSettings& settings;
  const RetryConfig& retry;
  TransportFactory transport;
  bool ask_hub = false;  // even where the cache has an answer: the revision may have moved
  std::function<void(const DownloadProgress&)> on_download;
  std::function<void(std::string_view line)> on_message;
  std::stop_token stop;
};

struct FetchedModel {
  CacheEntry entry;
  bool cache_hit = false;  // nothing was downloaded
  FileLock use;            // while it is held the model stays in the cache
};

[[nodiscard]] Result<FetchedModel> fetch_model(const ModelRequest& request, const FetchEnvironment& environment);

}  // namespace llama::internal
