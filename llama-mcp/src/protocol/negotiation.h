// Find out which generation of the protocol a server speaks, and agree on a revision.
//
// The modern one is asked first, with `server/discover`: only an answer that names a modern revision is taken for one.
// Everything else, whatever its error code, is a server of the older era, which is greeted with `initialize`. Some of
// those end, or fall silent, at a request that comes before the greeting: then a new connection is needed.
// Cost     one round trip, or two; a server that stays silent costs its start's time limit.
// Source   specification 2026-07-28, "Versioning"; PyPI mcp 2.3.0, mcp/client/_probe.py; modelcontextprotocol/go-sdk
//          #1014 (one error code is not enough); dmtrKovalenko/fff #798, github/copilot-cli #4809 (servers that end).
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "llama-base/error.h"
#include "llama-mcp/mcp_client.h"
#include "protocol/mcp_session.h"

namespace llama::internal {

constexpr std::string_view kModernRevision = "2026-07-28";
constexpr std::string_view kOlderRevisions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

struct Agreement {
  McpEra era = McpEra::Older;
  McpServerInfo info{};
  nlohmann::ordered_json capabilities{};  // the server's
};

struct Discovery {
  enum class Verdict {
    Modern,
    Older,   // it answered, as one that does not know the question: it can be greeted on this connection
    Silent,  // no answer in time
    Ended,   // it ended: its end is in `error`
    Failed,  // not a matter of eras: out of reach, access denied, stopped, no revision in common
  };
  Verdict verdict = Verdict::Failed;
  std::optional<Agreement> agreement{};  // of Modern
  Error error{};                         // of Silent, Ended and Failed
};

[[nodiscard]] Discovery discover(McpSession& session, const McpClientOptions& options, std::chrono::milliseconds limit,
                                 const std::stop_token& stop);

struct Greeting {
  std::optional<Agreement> agreement{};
  bool is_modern_after_all = false;  // it refused, and named the modern revision
  Error error{};                     // where there is no agreement
};

[[nodiscard]] Greeting initialize(McpSession& session, const McpClientOptions& options, std::chrono::milliseconds limit,
                                  const std::stop_token& stop);

// What every message of the modern era carries.
[[nodiscard]] nlohmann::ordered_json modern_stamp(const McpClientOptions& options,
                                                  const nlohmann::ordered_json& capabilities, bool wants_log);

}  // namespace llama::internal
