// Fetch with what a caller of the public interface has: settings or the environment's, callbacks from one thread at a
// time.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include "download/fetch.h"

namespace llama::internal {

struct FetchWishes {
  bool ask_hub = false;
  std::function<void(const DownloadProgress&)> on_download{};
  std::function<void(std::string_view line)> on_message{};
  std::stop_token stop{};
};

// request.endpoint is filled in.
// Errors   those of fetch.h, and InvalidArgument: a variable of the environment.
[[nodiscard]] Result<FetchedModel> fetch_with(const CacheManager& cache, const RetryConfig& retry,
                                              const std::optional<HubSettings>& hub, ModelRequest request,
                                              const FetchWishes& wishes);

}  // namespace llama::internal
