// Make HTTP requests with libcurl, HTTP/1.1.
//
// Proxies      the environment's variables hold: https_proxy, http_proxy, all_proxy, no_proxy (libcurl-env(3)).
// Certificates the system's, or those of the file that `ca_file` or the variable SSL_CERT_FILE names.
// Threads      any number of transports at once.
#pragma once

#include <filesystem>
#include <string>

#include "llama-http/http_transport.h"

namespace llama {

struct HttpOptions {
  HttpTimeLimits limits{};          // of requests that have none of their own
  std::string user_agent{};         // "": llama-http/VERSION
  std::filesystem::path ca_file{};  // PEM; "": SSL_CERT_FILE, else the system's
};

[[nodiscard]] TransportFactory curl_transport(const HttpOptions& options);

// The proxy that the environment names, without its user and password; "" for none. For messages.
[[nodiscard]] std::string proxy_for_message();

}  // namespace llama
