#include "download/fetch_with.h"

#include <mutex>

#include "hub/hub_repository.h"

namespace llama::internal {

Result<FetchedModel> fetch_with(const CacheManager& cache, const RetryConfig& retry,
                                const std::optional<HubSettings>& hub, ModelRequest request,
                                const FetchWishes& wishes) {
  const auto settings = hub ? Result<HubSettings>(*hub) : HubSettings::from_environment(wishes.stop);
  if (!settings) return std::unexpected(settings.error());
  if (cache.cleanup_on_start()) {
    if (auto cleaned = cache.cleanup_old_models(); !cleaned) return std::unexpected(cleaned.error());
  }
  // Lanes report from their own threads.
  std::mutex mutex;
  const auto say = [&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    if (wishes.on_message) wishes.on_message(line);
  };
  request.endpoint = settings->endpoint;
  return fetch_model(request, {.cache = cache,
                               .settings = *settings,
                               .retry = retry,
                               .transport = hub_transport(*settings),
                               .ask_hub = wishes.ask_hub,
                               .on_download = wishes.on_download,
                               .on_message = say,
                               .stop = wishes.stop});
}

}  // namespace llama::internal
