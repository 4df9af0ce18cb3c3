// Where the hub is, who asks, and what the network may be used for: the variables that Hugging Face's own client reads.
//
// Source   huggingface_hub 1.29, constants.py and utils/_auth.py:
//   HF_ENDPOINT                                  https://huggingface.co where not set
//   HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH (a file; $HF_HOME/token), HF_HUB_DISABLE_IMPLICIT_TOKEN
//   HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE         1, ON, YES, TRUE
//   HF_HOME, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE where its cache is: read, never written
//   HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT seconds: to connect, and without a sign of life
// and libcurl's: https_proxy, http_proxy, all_proxy, no_proxy.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "llama-base/error.h"

namespace llama {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // without a slash at the end
  std::string token;                                // "": anonymous
  bool offline = false;
  std::filesystem::path hugging_face_cache;  // of Hugging Face's own client; "": do not look there
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{10};
  int lanes = 4;  // connections for one file, 1 to 16

  using Variable = std::function<std::optional<std::string>(const char* name)>;

  // HF_TOKEN_PATH may name a pipe, which is waited for.
  // Errors   InvalidArgument, naming the variable; Cancelled soon after a stop is requested.
  [[nodiscard]] static Result<HubSettings> from_environment(const std::stop_token& stop = {});
  [[nodiscard]] static Result<HubSettings> from_environment(const Variable& variable, const std::stop_token& stop = {});
};

// $XDG_CACHE_HOME/llama-loader/models, else ~/.cache/llama-loader/models.
[[nodiscard]] std::filesystem::path default_cache_folder();

}  // namespace llama
