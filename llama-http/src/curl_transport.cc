#include "llama-http/curl_transport.h"

#include <curl/curl.h>

#include <array>
#include <cctype>
#include <cstdlib>

#include "llama-http/url.h"
#include "request_headers.h"

namespace llama {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kReceiveBuffer = 512L * 1024;
constexpr std::size_t kMaxHeaders = 200;

struct FreeEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
bool start_curl() {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kStarted;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

// What one transfer collects; libcurl calls back with it.
struct Transfer {
  const HttpSink& sink;
  HttpHead head{};
  bool head_delivered = false;
  bool refused = false;

  bool deliver_head() {
    if (head_delivered) return !refused;
    head_delivered = true;
    refused = !sink.head(head);
    return !refused;
  }

  void take_line(std::string_view line) {
    if (head_delivered) return;       // trailers of a chunked body
    if (line.starts_with("HTTP/")) {  // also after 100 Continue
      head = {};
      if (const std::size_t space = line.find(' '); space != std::string_view::npos)
        head.status = static_cast<int>(std::strtol(std::string(line.substr(space + 1)).c_str(), nullptr, 10));
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && head.headers.size() < kMaxHeaders)
      head.headers.push_back(
          {internal::lower_case(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
    try {
      static_cast<Transfer*>(self)->take_line(trimmed({data, size}));
      return size;
    } catch (...) {
      return CURL_WRITEFUNC_ERROR;
    }
  }
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
    try {
      auto& transfer = *static_cast<Transfer*>(self);
      if (!transfer.deliver_head()) return CURL_WRITEFUNC_ERROR;
      if (transfer.sink.body(std::as_bytes(std::span(data, size)))) return size;
      transfer.refused = true;
      return CURL_WRITEFUNC_ERROR;
    } catch (...) {
      return CURL_WRITEFUNC_ERROR;
    }
  }
};

constexpr std::array kProxyVariables{"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"};

// A proxy's address may come without a scheme, as "user:password@host:3128"; libcurl takes http then.
std::string shown_proxy(const std::string& value) {
  return internal::without_secrets(value.contains("://") ? value : "http://" + value);
}

// libcurl's words about a proxy's address that makes no sense have all of it in them, with its password.
std::string without_proxy_secrets(std::string reason) {
  for (const char* name : kProxyVariables) {
    const char* value = std::getenv(name);
    if (value == nullptr || !std::string_view(value).contains('@')) continue;
    const std::size_t at = reason.find(value);
    if (at != std::string::npos) reason.replace(at, std::string_view(value).size(), shown_proxy(value));
  }
  return reason;
}

bool is_hopeless(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_OUT_OF_MEMORY:
      return true;
    default:
      return false;
  }
}

class CurlTransport : public HttpTransport {
 public:
  explicit CurlTransport(HttpOptions options) : options_(std::move(options)) {
    if (start_curl()) {
      easy_.reset(curl_easy_init());
      multi_.reset(curl_multi_init());
    }
    if (options_.ca_file.empty()) {
      if (const char* file = std::getenv("SSL_CERT_FILE")) options_.ca_file = file;
    }
  }

  HttpResult perform(const HttpRequest& request, const HttpSink& sink, const std::stop_token& stop) override {
    const auto hopeless = [](std::string reason) {
      return HttpResult{.end = TransferEnd::Hopeless, .head = {}, .reason = std::move(reason)};
    };
    if (!easy_ || !multi_) return hopeless("libcurl does not start");
    if (auto why = internal::unsendable(request); !why.empty()) return hopeless(std::move(why));
    if (stop.stop_requested()) return {.end = TransferEnd::Cancelled, .head = {}, .reason = {}};
    const internal::HeaderList headers(request);
    if (!headers.is_whole()) return hopeless("out of memory");
    Transfer transfer{.sink = sink};
    std::array<char, CURL_ERROR_SIZE> detail{};
    const HttpTimeLimits limits = request.limits.value_or(options_.limits);
    prepare(request, limits, headers.get(), transfer, detail.data());

    const auto started = Clock::now();
    const CURLcode code = run(stop);
    curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, nullptr);
    HttpResult result{.end = TransferEnd::Complete, .head = {}, .reason = {}};
    if (stop.stop_requested()) {
      result.end = TransferEnd::Cancelled;
    } else if (code == CURLE_OK) {
      if (!transfer.deliver_head()) result.end = TransferEnd::Refused;  // an answer without a body
    } else if (transfer.refused) {
      result.end = TransferEnd::Refused;
    } else {
      const bool late = limits.total.count() > 0 && Clock::now() - started >= limits.total;
      result.end = code == CURLE_OPERATION_TIMEDOUT && late ? TransferEnd::TimedOut : failed(code);
      result.reason = without_proxy_secrets(detail[0] != '\0' ? detail.data() : curl_easy_strerror(code));
    }
    // A head that the sink has not seen, because the transfer ended before the body began, is none.
    if (transfer.head_delivered) result.head = std::move(transfer.head);
    return result;
  }

 private:
  [[nodiscard]] TransferEnd failed(CURLcode code) const {
    long connect_status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &connect_status);
    return is_hopeless(code) || connect_status == 407 ? TransferEnd::Hopeless : TransferEnd::Broken;
  }

  void prepare(const HttpRequest& request, const HttpTimeLimits& limits, curl_slist* headers, Transfer& transfer,
               char* detail) {
    CURL* curl = easy_.get();
    curl_easy_reset(curl);  // the connection stays
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_USERAGENT,
                     options_.user_agent.empty() ? "llama-http/" LLAMA_HTTP_VERSION : options_.user_agent.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);  // a silent stream whose other end has vanished ends at last
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kReceiveBuffer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
    set_method(request);
    if (request.range) curl_easy_setopt(curl, CURLOPT_RANGE, request.range->c_str());
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(limits.idle_bytes_per_second));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.idle.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's answer to CONNECT is not the server's
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  }

  void set_method(const HttpRequest& request) {
    CURL* curl = easy_.get();
    if (request.body) {
      // Not copied: the request outlives the transfer.
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body->c_str());
    } else if (request.method == "HEAD") {
      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    if (request.method != "GET" || request.body) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  // libcurl's plain call cannot be ended from another thread before it looks at its callback, once a second. Its multi
  // interface waits in a poll that a stop can wake: the handle is then taken out, and its connection closed, whatever
  // it was waiting for. Cost: none per byte; a stop while a host name is being resolved waits for the resolver's
  // thread.
  CURLcode run(const std::stop_token& stop) {
    CURLM* multi = multi_.get();
    curl_multi_add_handle(multi, easy_.get());
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    {
      const std::stop_callback wake(stop, [multi]() noexcept { curl_multi_wakeup(multi); });
      for (int running = 1; running > 0 && !stop.stop_requested();) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) break;
        if (running > 0 && curl_multi_poll(multi, nullptr, 0, 1000, nullptr) != CURLM_OK) break;
      }
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) code = message->data.result;
      }
    }
    curl_multi_remove_handle(multi, easy_.get());
    return code;
  }

  HttpOptions options_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace

TransportFactory curl_transport(const HttpOptions& options) {
  return [options] { return std::make_unique<CurlTransport>(options); };
}

std::string proxy_for_message() {
  for (const char* name : kProxyVariables) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return shown_proxy(value);
  }
  return {};
}

}  // namespace llama
