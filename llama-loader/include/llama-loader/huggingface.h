// Ask the hub what a model repository holds.
//
// Errors   NotFound (repository, revision), AccessDenied (private, gated, a token that is not accepted, disabled),
//          RateLimited, Network, Offline, InvalidArgument (names), Cancelled; each message says the way out.
// Threads  any number at once; each call has its own connection.
// Source   the hub's API as huggingface_hub 1.29 uses it (hf_api.py, file_download.py, utils/_http.py) and hub-docs
//          (rate-limits.md): /api/models/…/revision/… for the commit, /api/models/…/tree/… in pages (Link: rel="next").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/retry.h"

namespace llama {

struct HubFile {
  std::string path;  // in the repository; safe to use as a relative file name
  std::uint64_t size_bytes = 0;
  std::string sha256{};       // of the content; "" for a file that is not in large file storage
  std::string git_sha1{};     // of the git blob, for such a file
  std::int64_t modified = 0;  // seconds since 1970: when the repository last changed it; 0: not told
};

struct HubRepository {
  std::string repo;
  std::string revision;          // as asked
  std::string commit;            // 40 hex digits: what the revision was when asked
  std::vector<HubFile> files{};  // by path; files with names or digests that make no sense are left out
  std::size_t left_out = 0;
  std::vector<std::string> left_out_names{};  // as the hub has them: for messages alone
};

class HubClient {
 public:
  using Message = std::function<void(std::string_view line)>;  // for people: a retry and why

  explicit HubClient(HubSettings settings, RetryConfig retry = {}, Message on_message = {});

  [[nodiscard]] Result<HubRepository> list(const std::string& repo, const std::string& revision = "main",
                                           const std::stop_token& stop = {}) const;

  // The files that a ModelLoader would take of a listed repository, in order; asks for the headers of some.
  // Errors   NotFound, InvalidModel (a file that is no model of its own), Cancelled.
  [[nodiscard]] Result<std::vector<std::string>> choose(const HubRepository& repository,
                                                        const std::optional<std::string>& filename,
                                                        const std::optional<std::string>& quant,
                                                        const std::stop_token& stop = {}) const;

 private:
  HubSettings settings_;
  RetryConfig retry_;
  Message on_message_;
};

}  // namespace llama
