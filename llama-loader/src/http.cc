#include "http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <format>
#include <ranges>

#include "hub/url.h"

namespace llama::internal {
namespace {

constexpr long kStallBytesPerSecond = 1024;
constexpr long kReceiveBuffer = 512L * 1024;
constexpr std::size_t kMostHeaders = 200;

struct FreeEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
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
  HttpHead head;
  bool head_delivered = false;
  bool refused = false;

  bool deliver_head() {
    if (head_delivered) return !refused;
    head_delivered = true;
    refused = !sink.head(head);
    return !refused;
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
    try {
      auto& transfer = *static_cast<Transfer*>(self);
      const std::string_view line = trimmed({data, size});
      if (line.starts_with("HTTP/")) {  // also after 100 Continue, and after a proxy's answer to CONNECT
        transfer.head = {};
        const std::size_t space = line.find(' ');
        if (space != std::string_view::npos)
          transfer.head.status =
              static_cast<int>(std::strtol(std::string(line.substr(space + 1)).c_str(), nullptr, 10));
        return size;
      }
      const std::size_t colon = line.find(':');
      if (colon != std::string_view::npos && transfer.head.headers.size() < kMostHeaders) {
        std::string name(line.substr(0, colon));
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        transfer.head.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
      }
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
  explicit CurlTransport(const HttpOptions& options) : options_(options) {
    if (start_curl()) {
      easy_.reset(curl_easy_init());
      multi_.reset(curl_multi_init());
    }
  }

  HttpResult perform(const HttpRequest& request, const HttpSink& sink, const std::stop_token& stop) override {
    if (!easy_ || !multi_) return {.end = TransferEnd::Hopeless, .head = {}, .reason = "libcurl does not start"};
    if (stop.stop_requested()) return {.end = TransferEnd::Cancelled, .head = {}, .reason = {}};
    Transfer transfer{.sink = sink};
    std::unique_ptr<curl_slist, FreeList> headers;
    const auto header = [&](const std::string& line) {
      if (curl_slist* longer = curl_slist_append(headers.get(), line.c_str())) {
        // The longer list begins with the old one, which has this owner no more.
        [[maybe_unused]] const curl_slist* old = headers.release();
        headers.reset(longer);
      }
    };
    header("Accept-Encoding: identity");
    if (!request.token.empty()) header("Authorization: Bearer " + request.token);
    std::array<char, CURL_ERROR_SIZE> detail{};
    prepare(request, headers.get(), transfer, detail.data());

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
      long connect_status = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &connect_status);
      result.end = is_hopeless(code) || connect_status == 407 ? TransferEnd::Hopeless : TransferEnd::Broken;
      result.reason = detail[0] != '\0' ? detail.data() : curl_easy_strerror(code);
    }
    result.head = std::move(transfer.head);
    return result;
  }

 private:
  void prepare(const HttpRequest& request, curl_slist* headers, Transfer& transfer, char* detail) {
    CURL* curl = easy_.get();
    curl_easy_reset(curl);  // the connection stays
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "llama-loader/0.1");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options_.connect_timeout.count()));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kReceiveBuffer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    if (request.range) curl_easy_setopt(curl, CURLOPT_RANGE, request.range->c_str());
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  }

  // The multi interface, because it can be woken: a stop takes effect at once.
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

std::string_view HttpHead::value(std::string_view name) const {
  for (const auto& [key, value] : std::views::reverse(headers)) {
    if (key == name) return value;
  }
  return {};
}

TransportFactory curl_transport(const HttpOptions& options) {
  return [options] { return std::make_unique<CurlTransport>(options); };
}

std::string proxy_for_message() {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return without_secrets(value);
  }
  return {};
}

}  // namespace llama::internal
