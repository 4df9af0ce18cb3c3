// Decide what a status other than success means for the request that got it.
//
// Pure.
// Source   specification 2025-11-25, "Session management"; 2026-07-28, "Transports": errors of the protocol come with
//          status 400 and 404 and JSON-RPC in the body.
#pragma once

#include <string>
#include <string_view>

#include "channel.h"
#include "llama-base/error.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

struct Refusal {
  enum class Kind { Message, SessionLost, Failed };
  Kind kind = Kind::Failed;
  std::string message{};  // of Message: with the request's own id
  Error error{};          // of Failed
};

struct RefusalContext {
  bool has_session = false;  // the request carried a session's id
  bool is_older = true;
  bool has_authorization = false;  // the config has that header
};

// A 3xx is here only where the redirect was not followed and nothing else is known of it.
[[nodiscard]] Refusal read_refusal(const HttpHead& head, std::string_view body, const OutgoingMessage& message,
                                   const RefusalContext& context);

}  // namespace llama::internal
