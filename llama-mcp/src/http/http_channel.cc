#include "http/http_channel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "llama-http/curl_transport.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxRequests = 32, kMaxNotices = 4, kMaxWaiting = 1'000;
constexpr std::chrono::seconds kNoticeTime{30};
// Some servers answer this question only when they have something to say (npm @modelcontextprotocol/sdk 1.32).
constexpr std::chrono::milliseconds kListeningTime{250};
constexpr const char* kGreeted = "notifications/initialized";

TransportFactory factory_of(const McpClientOptions& options) {
  return options.transport ? options.transport : curl_transport({});
}

}  // namespace

HttpChannel::HttpChannel(const McpServerConfig& config, const McpClientOptions& options)
    : close_time_limit_(options.close_time_limit),
      factory_(factory_of(options)),
      link_{.url = config.url, .max_message_bytes = options.max_message_bytes, .session = HttpSession(config)},
      listener_(link_, factory_),
      requests_(kMaxRequests, kMaxWaiting, factory_),
      notices_(kMaxNotices, kMaxWaiting, factory_) {}

Result<void> HttpChannel::open(ChannelReceiver& receiver, const std::stop_token& stop) {
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
  link_.delivery.open(receiver);
  return {};
}

Result<void> HttpChannel::send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) {
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
  return message.id.empty() ? send_notice(std::move(message), deadline) : send_request(std::move(message), deadline);
}

Result<void> HttpChannel::send_request(OutgoingMessage message, Deadline deadline) {
  const std::string id = message.id;
  const auto exchange = std::make_shared<Exchange>(link_, std::move(message), deadline);
  {
    const std::scoped_lock lock(mutex_);
    if (is_closed_) return fail(ErrorCode::Cancelled, "closed");
    requests_under_way_.insert_or_assign(id, exchange);
  }
  const auto forget = [this, id, exchange] {
    const std::scoped_lock lock(mutex_);
    const auto found = requests_under_way_.find(id);
    if (found != requests_under_way_.end() && found->second == exchange) requests_under_way_.erase(found);
  };
  if (requests_.post([exchange, forget](HttpTransport& transport) {
        exchange->run(transport);
        forget();
      })) {
    return {};
  }
  forget();
  return fail(ErrorCode::Busy, "too many requests wait for it");
}

Result<void> HttpChannel::send_notice(OutgoingMessage message, Deadline deadline) {
  const bool is_greeting = message.method == kGreeted;
  const auto latest = std::min(deadline, std::chrono::steady_clock::now() + kNoticeTime);
  const auto exchange = std::make_shared<Exchange>(link_, std::move(message), latest);
  {
    const std::scoped_lock lock(mutex_);
    if (is_closed_) return fail(ErrorCode::Cancelled, "closed");
    notices_under_way_.emplace(exchange.get(), exchange);
  }
  const auto forget = [this, exchange] {
    const std::scoped_lock lock(mutex_);
    notices_under_way_.erase(exchange.get());
  };
  if (is_greeting) requests_.hold(true);
  if (notices_.post([this, exchange, forget, is_greeting](HttpTransport& transport) {
        exchange->run(transport);
        forget();
        if (!is_greeting) return;
        if (exchange->is_accepted()) {
          listener_.start();
          listener_.wait_open(kListeningTime);
        }
        requests_.hold(false);
      })) {
    return {};
  }
  forget();
  if (is_greeting) requests_.hold(false);
  return fail(ErrorCode::Busy, "too many messages wait for it");
}

void HttpChannel::abandon(std::string_view id) {
  std::shared_ptr<Exchange> exchange;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = requests_under_way_.find(id);
    if (found == requests_under_way_.end()) return;
    exchange = found->second;
  }
  exchange->stop();
}

void HttpChannel::set_session(std::string_view revision, McpEra era) {
  link_.session.agree(revision, era);
  if (revision.empty()) listener_.pause();
}

Result<void> HttpChannel::learn_tool(std::string_view name, std::string_view input_schema) {
  if (link_.session.is_older()) return {};
  auto parameters = parameter_headers_of(input_schema);
  if (!parameters) return std::unexpected(std::move(parameters.error()));
  link_.session.learn_tool(name, std::move(*parameters));
  return {};
}

void HttpChannel::close() {
  std::vector<std::shared_ptr<Exchange>> under_way;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(is_closed_, true)) return;
    for (const auto& [id, each] : requests_under_way_) under_way.push_back(each);
    for (const auto& [key, each] : notices_under_way_) under_way.push_back(each);
  }
  for (const auto& each : under_way) each->stop();
  listener_.stop();
  requests_.stop();
  notices_.stop();
  end_session();
}

// The server may forget the session at once instead of when it has been silent for long. Whatever it says to that is
// fine.
void HttpChannel::end_session() {
  if (link_.session.id().empty() || !link_.session.is_older()) return;
  const auto transport = factory_();
  HttpTimeLimits limits = limits_until(std::chrono::steady_clock::now() + close_time_limit_);
  limits.connect = limits.total;
  (void)guarded_fetch(
      *transport, {.method = "DELETE", .url = link_.url, .headers = link_.session.headers_to_end(), .limits = limits},
      {.head = [](const HttpHead&) { return false; }, .body = [](std::span<const std::byte>) { return false; }}, {});
}

std::unique_ptr<McpChannel> make_http_channel(const McpServerConfig& config, const McpClientOptions& options) {
  return std::make_unique<HttpChannel>(config, options);
}

}  // namespace llama::internal
