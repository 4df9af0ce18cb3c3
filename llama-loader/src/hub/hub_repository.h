// List a repository over a given transport; huggingface.h is the public way.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-http/http_transport.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/huggingface.h"
#include "llama-loader/retry.h"

namespace llama::internal {

// What asks the hub: libcurl, with the settings' time limits.
[[nodiscard]] TransportFactory hub_transport(const HubSettings& settings);

// Errors   those of huggingface.h.
[[nodiscard]] Result<HubRepository> list_repository(HttpTransport& transport, const HubSettings& settings,
                                                    const RetryConfig& retry, const std::string& repo,
                                                    const std::string& revision,
                                                    const std::function<void(std::string_view)>& on_message,
                                                    const std::stop_token& stop);

// Where a file's content is asked for.
[[nodiscard]] std::string content_url(const HubSettings& settings, const HubRepository& repository,
                                      const std::string& path);

}  // namespace llama::internal
