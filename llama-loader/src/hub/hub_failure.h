// Say what an answer of the hub means that is no success, and whether to ask again.
//
// Pure.
// Source   huggingface_hub 1.29, utils/_http.py (hf_raise_for_status): X-Error-Code counts more than the status,
//          because the hub answers 401 for whatever an anonymous caller may not know about.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

struct HubQuestion {
  std::string endpoint, repo, revision, path;  // path "": about the repository
  std::string url;                             // that was asked last
  bool with_token = false;
};

inline constexpr std::string_view kDownloadStopped = "the download was stopped; what came is kept, run again to go on";

struct HubFailure {
  Error error;
  bool again = false;                          // it may work another time
  std::optional<std::chrono::seconds> wish{};  // that the server asks to wait
};

// body: its beginning.
[[nodiscard]] HubFailure explain_answer(const HubQuestion& question, const HttpHead& head, std::string_view body);

// result.end is Broken, Hopeless or Cancelled.
[[nodiscard]] HubFailure explain_transfer(const HubQuestion& question, const HttpResult& result);

}  // namespace llama::internal
