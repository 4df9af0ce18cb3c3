// Fetch one file over several connections, from wherever an earlier attempt stopped, and prove that it is the right
// one.
//
// The file is cut into pieces; each lane (a thread with a connection) takes the next missing one and writes it at its
// offset. Where the server gives no parts, one lane reads the whole. A piece that breaks off goes back into the queue;
// bytes that came are kept. The digest is computed at the same time, as far as the bytes are there without a gap. A
// digest that differs means one clean start, then Corrupt.
// Errors   those of hub_failure.h, NoSpace, Io, Corrupt, Cancelled; all but Corrupt keep what came.
// Threads  a thread per lane, one for the digest, one of curl's per lane now and then; the caller's waits and reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-base/digest.h"
#include "llama-http/http_transport.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/retry.h"

namespace llama::internal {

struct DownloadRequest {
  std::string repo, revision, path;  // for messages
  std::string url;                   // at the hub; what it redirects to is never kept
  std::uint64_t size_bytes = 0;
  Digest digest;
};

struct DownloadEnvironment {
  const HubSettings& settings;
  const RetryConfig& retry;
  TransportFactory transport;
  std::function<void(std::uint64_t bytes_done)> on_progress;  // of this file, those of earlier attempts included
  std::function<void(std::string_view line)> on_message;
  std::stop_token stop;
};

// Returns the complete, verified and synced file: `data` in the folder.
[[nodiscard]] Result<std::filesystem::path> download(const DownloadRequest& request,
                                                     const std::filesystem::path& folder,
                                                     const DownloadEnvironment& environment);

}  // namespace llama::internal
