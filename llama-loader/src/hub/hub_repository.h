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

// What every question to the hub needs. Nothing in it is owned.
struct HubAccess {
  HttpTransport& transport;
  const HubSettings& settings;
  const RetryConfig& retry;
  const std::function<void(std::string_view)>& on_message;
  const std::stop_token& stop;
};

// Which part of a repository to list. Dates cost the hub much: with them its pages are short.
struct TreeWanted {
  std::string folder{};  // "": all of it
  bool is_recursive = true;
  bool has_dates = true;
};

// repo: as in repo_kind.h. Returns the repository without files, for list_files().
// Errors   those of huggingface.h.
[[nodiscard]] Result<HubRepository> find_repository(const HubAccess& hub, const std::string& repo,
                                                    const std::string& revision);

// The files at the repository's commit, in the place of those it had.
// Errors   those of huggingface.h; NotFound: no such folder.
[[nodiscard]] Result<void> list_files(const HubAccess& hub, const TreeWanted& wanted, HubRepository& repository);

// Both, for all files.
[[nodiscard]] Result<HubRepository> list_repository(const HubAccess& hub, const std::string& repo,
                                                    const std::string& revision);

// Whether the hub shows such a repository: asked once, and what cannot be told is no.
[[nodiscard]] bool has_repository(const HubAccess& hub, const std::string& repo);

// Where a file's content is asked for.
[[nodiscard]] std::string content_url(const HubSettings& settings, const HubRepository& repository,
                                      const std::string& path);

}  // namespace llama::internal
