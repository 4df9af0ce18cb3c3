#include "llama-loader/huggingface.h"

#include "hub/hub_repository.h"
#include "hub/model_choice.h"

namespace llama {

HubClient::HubClient(HubSettings settings, RetryConfig retry, Message on_message)
    : settings_(std::move(settings)), retry_(retry), on_message_(std::move(on_message)) {}

Result<HubRepository> HubClient::list(const std::string& repo, const std::string& revision,
                                      const std::stop_token& stop) const {
  const auto transport = internal::hub_transport(settings_)();
  return internal::list_repository(
      {.transport = *transport, .settings = settings_, .retry = retry_, .on_message = on_message_, .stop = stop}, repo,
      revision);
}

Result<std::vector<std::string>> HubClient::choose(const HubRepository& repository,
                                                   const std::optional<std::string>& filename,
                                                   const std::optional<std::string>& quant,
                                                   const std::stop_token& stop) const {
  const auto transport = internal::hub_transport(settings_)();
  const auto choice = internal::choose_model(
      repository, {.repo = repository.repo, .endpoint = settings_.endpoint, .filename = filename, .quant = quant},
      {.transport = *transport,
       .settings = settings_,
       .is_known = [](const internal::ModelChoice&) { return false; },
       .on_message = on_message_,
       .stop = stop});
  if (!choice) return std::unexpected(choice.error());
  std::vector<std::string> paths;
  for (const HubFile& file : choice->files) paths.push_back(file.path);
  return paths;
}

}  // namespace llama
