// Take web addresses apart, and decide where a request may be led.
//
// Pure; libcurl parses.
// Source   token leaks of other clients through redirects: CVE-2018-1000007, CVE-2022-27774, CVE-2022-27776.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

struct Origin {
  std::string scheme, host, port;  // lower case; the port is always there
  friend bool operator==(const Origin&, const Origin&) = default;
  [[nodiscard]] bool is_loopback() const;  // localhost, 127.x.x.x, [::1]
};

// Errors   InvalidArgument: no absolute http or https address, or one with a user's name in it.
[[nodiscard]] Result<Origin> origin_of(const std::string& url);

[[nodiscard]] bool same_origin(const std::string& a, const std::string& b);  // both sound, and the same

// For messages: no query (signatures are secrets), no user, no fragment. Of what is no address only the part after the
// last '@'.
[[nodiscard]] std::string without_secrets(const std::string& url);

// Percent-encode all but letters, digits, "-._~" and what `kept` has.
[[nodiscard]] std::string percent_encoded(std::string_view text, std::string_view kept = "");

// Where a redirect leads. `hops` are the addresses asked so far, the one that answered last.
//
// Errors   Network: no Location, more than 10 hops, a loop, another scheme than http and https, https to http.
[[nodiscard]] Result<std::string> redirect_target(std::span<const std::string> hops, std::string_view location);

// Whether the token may go to this address: to the endpoint's own origin, and in clear text only on this machine.
[[nodiscard]] bool may_send_token(const std::string& url, const std::string& endpoint);

}  // namespace llama::internal
