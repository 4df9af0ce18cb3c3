// Choose the files of a model in a repository: names rank them (detection.h), headers decide.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cache/manifest.h"
#include "llama-http/http_transport.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/huggingface.h"

namespace llama::internal {

struct ModelChoice {
  std::vector<HubFile> files;    // in the model's order
  std::uint64_t size_bytes = 0;  // of all
  std::int64_t modified = 0;     // the latest
  bool automatic = false;        // what would be chosen if nothing were named
};

struct ChoiceEnvironment {
  HttpTransport& transport;
  const HubSettings& settings;
  std::function<bool(const ModelChoice&)> is_known;  // its headers have been checked before
  std::function<void(std::string_view line)> on_message;
  std::stop_token stop;
};

// The best by name whose header does not say that it is no model of its own. A header is asked for, by one request of
// 64 KiB, where there are other files to choose, or the file is so large that fetching it in vain would cost more than
// asking. An answer that cannot be had or read decides nothing: the downloaded file is checked in any case.
// Errors   NotFound, InvalidModel (a named file, or all, are no models), Network (sizes that cannot be), Cancelled.
// Cost     at most eight requests.
[[nodiscard]] Result<ModelChoice> choose_model(const HubRepository& repository, const ModelRequest& request,
                                               const ChoiceEnvironment& environment);

// The digest that a file of the hub's is published with.
[[nodiscard]] Digest digest_of(const HubFile& file);

}  // namespace llama::internal
