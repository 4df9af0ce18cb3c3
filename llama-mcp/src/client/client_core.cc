#include "client/client_core.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "llama-base/pause.h"
#include "protocol/mcp_json.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr int kMaxRounds = 10;  // of questions about one call, as the published clients have it
constexpr std::size_t kMaxListBytes = std::size_t{64} << 20;
// A server that is started by a package runner may have to be fetched first; the probe alone is not given that long.
constexpr int kGreetingTimes = 3;

}  // namespace

Result<std::unique_ptr<ClientCore>> ClientCore::connect(ClientSetup setup, const std::stop_token& stop) {
  if (setup.memory == nullptr) setup.memory = &EraMemory::of_this_process();
  auto core = std::unique_ptr<ClientCore>(new ClientCore(std::move(setup)));
  if (auto agreed = core->negotiate(stop); !agreed) return std::unexpected(std::move(agreed.error()));
  return core;
}

Result<void> ClientCore::open_session(const std::stop_token& stop) {
  if (session_) session_->close();
  session_ = std::make_unique<McpSession>(setup_.config, setup_.handlers, setup_.make_channel());
  return session_->open(stop);
}

Result<void> ClientCore::settle(Agreement agreement) {
  if (agreement.era == McpEra::Modern) {
    session_->set_stamp(
        modern_stamp(setup_.options, session_->questions().capabilities(), static_cast<bool>(setup_.handlers.log)));
    session_->agree(agreement.info.revision, McpEra::Modern);
  }
  setup_.memory->remember(setup_.config, agreement.era);
  agreement_ = std::move(agreement);
  listen();
  return {};
}

// The modern question first, unless the server is known to be older; then, on the same connection or a new one, the
// greeting of the older era.
Result<void> ClientCore::negotiate(const std::stop_token& stop) {
  using Verdict = Discovery::Verdict;
  const auto& config = setup_.config;
  const auto era = config.era ? config.era : setup_.memory->recall(config);
  if (auto opened = open_session(stop); !opened) return opened;
  if (era == McpEra::Older) return greet(!config.era, stop);
  Discovery found = discover(*session_, setup_.options, config.start_time_limit, stop);
  switch (found.verdict) {
    case Verdict::Modern:
      return settle(std::move(*found.agreement));
    case Verdict::Failed:
      return std::unexpected(std::move(found.error));
    case Verdict::Older:
      if (config.era == McpEra::Modern) {
        return std::unexpected(
            session_->named({ErrorCode::Network, std::format("it does not speak revision {}, which its config asks for",
                                                             kModernRevision)}));
      }
      break;
    case Verdict::Silent:
    case Verdict::Ended:
      if (config.era == McpEra::Modern) return std::unexpected(std::move(found.error));
      if (auto opened = open_session(stop); !opened) return opened;
  }
  return greet(found.verdict != Verdict::Ended, stop);
}

Result<void> ClientCore::greet(bool may_be_modern, const std::stop_token& stop) {
  Greeting greeting = initialize(*session_, setup_.options, setup_.config.start_time_limit * kGreetingTimes, stop);
  if (greeting.agreement) return settle(std::move(*greeting.agreement));
  setup_.memory->forget(setup_.config);
  if (!greeting.is_modern_after_all || !may_be_modern) return std::unexpected(std::move(greeting.error));
  // It was slow to start, and its answer to the first question came too late.
  Discovery found = discover(*session_, setup_.options, setup_.config.start_time_limit, stop);
  if (found.verdict == Discovery::Verdict::Modern) return settle(std::move(*found.agreement));
  return std::unexpected(std::move(greeting.error));
}

void ClientCore::listen() {
  if (agreement_.era != McpEra::Modern) return;
  const auto tells = [&](const char* what) {
    return bool_member(object_member(agreement_.capabilities, what), "listChanged").value_or(false);
  };
  const auto& handlers = setup_.handlers;
  changes_ = std::make_unique<ChangeStream>(
      *session_, ChangeStream::Lists{.tools = handlers.tools_changed && tells("tools"),
                                     .prompts = handlers.prompts_changed && tells("prompts"),
                                     .resources = handlers.resources_changed && tells("resources")});
  changes_->start();
}

Result<void> ClientCore::renew(std::uint64_t generation, const std::stop_token& stop) {
  const std::scoped_lock lock(renewing_);
  if (generation_ != generation) return {};  // another call has done it
  session_->agree("", McpEra::Older);
  Greeting greeting = initialize(*session_, setup_.options, setup_.config.start_time_limit * kGreetingTimes, stop);
  if (!greeting.agreement) return std::unexpected(std::move(greeting.error));
  ++generation_;
  return {};
}

RequestResult ClientCore::ask(const std::string& method, const nlohmann::ordered_json& params,
                              const RequestOptions& options, const std::stop_token& stop) {
  using End = RequestFailure::End;
  nlohmann::ordered_json sent = params;
  std::chrono::milliseconds pause{50};
  bool is_renewed = false;
  nlohmann::ordered_json refused;  // what it asked and nobody answered
  for (int round = 0; round <= kMaxRounds;) {
    const std::uint64_t generation = generation_;
    auto result = session_->request(method, sent, options, stop);
    if (!result && result.error().end == End::SessionLost && !is_renewed) {
      is_renewed = true;
      if (auto renewed = renew(generation, stop); !renewed) {
        return std::unexpected(RequestFailure{.end = End::Failed, .error = std::move(renewed.error())});
      }
      continue;
    }
    if (!result || text_member(*result, "resultType") != "input_required") return result;
    ++round;
    const auto& questions = object_member(*result, "inputRequests");
    if (!questions.empty() && questions == refused) {
      // A person who said no is not asked ten times.
      return std::unexpected(RequestFailure{
          .end = End::Failed, .error = session_->named({ErrorCode::Network, "it asks again what was not answered"})});
    }
    auto answers = answers_to(*result, stop);
    if (!answers) return std::unexpected(RequestFailure{.end = End::Failed, .error = std::move(answers.error())});
    const auto is_accepted = [](const auto& answer) { return text_member(answer, "action") == "accept"; };
    refused = std::ranges::none_of(*answers, is_accepted) ? questions : nlohmann::ordered_json();
    sent = params;
    if (!answers->empty()) {
      sent["inputResponses"] = std::move(*answers);
    } else {
      // Nothing to answer: the server wants to be asked again a little later.
      if (!internal::pause(pause, stop)) {
        return std::unexpected(
            RequestFailure{.end = End::Cancelled, .error = session_->named({ErrorCode::Cancelled, "cancelled"})});
      }
      pause = std::min(pause * 2, std::chrono::milliseconds(250));
    }
    if (const auto& state = member(*result, "requestState"); state.is_string()) sent["requestState"] = state;
  }
  return std::unexpected(RequestFailure{
      .end = End::Failed,
      .error = session_->named(
          {ErrorCode::Network, std::format("it asked back more than {} times about one '{}'", kMaxRounds, method)})});
}

std::expected<nlohmann::ordered_json, Error> ClientCore::answers_to(const nlohmann::ordered_json& result,
                                                                    const std::stop_token& stop) {
  nlohmann::ordered_json answers = nlohmann::ordered_json::object();
  for (const auto& [key, request] : object_member(result, "inputRequests").items()) {
    const std::string method = text_member(request, "method");
    if (method != "elicitation/create") {
      return std::unexpected(session_->named({ErrorCode::Network, std::format("it asks for '{}', which is not offered",
                                                                              first_part(one_line(method), 100))}));
    }
    answers[key] = session_->questions().answer(object_member(request, "params"), stop);
    if (stop.stop_requested()) return std::unexpected(session_->named({ErrorCode::Cancelled, "cancelled"}));
  }
  return answers;
}

Result<nlohmann::ordered_json> ClientCore::list(const std::string& method, const char* key, bool is_offered,
                                                const std::stop_token& stop) {
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  // A server that says what it offers, and does not name this, is not asked. One that says nothing at all may have it.
  if (!is_offered && !agreement_.capabilities.empty()) return entries;
  std::set<std::string> cursors;
  std::size_t bytes = 0;
  nlohmann::ordered_json params = nlohmann::ordered_json::object();
  for (std::int32_t page = 1;; ++page) {
    auto result = ask(method, params, {.limit = setup_.config.call_time_limit}, stop);
    if (!result) {
      if (result.error().code == kMethodNotFound && page == 1 && !is_offered) return entries;
      return std::unexpected(std::move(result.error().error));
    }
    for (const auto& each : array_member(*result, key)) {
      bytes += to_text(each).size();
      entries.push_back(each);
    }
    const std::string cursor = text_member(*result, "nextCursor");
    if (cursor.empty()) return entries;
    const auto broken = [&](std::string what) {
      return std::unexpected(session_->named({ErrorCode::Network, std::format("'{}': {}", method, what)}));
    };
    if (!cursors.insert(cursor).second) return broken("a cursor came twice: the list has no end");
    if (page >= setup_.options.max_pages) return broken(std::format("more than {} pages", setup_.options.max_pages));
    if (bytes > kMaxListBytes) return broken(std::format("more than {} MiB", kMaxListBytes >> 20));
    params["cursor"] = cursor;
  }
}

Result<void> ClientCore::subscribe(const std::string& uri, const std::stop_token& stop) {
  const auto limit = setup_.config.call_time_limit;
  if (changes_) return changes_->add(uri, limit, stop);
  auto result = ask("resources/subscribe", {{"uri", uri}}, {.name = uri, .limit = limit}, stop);
  if (!result) return std::unexpected(std::move(result.error().error));
  return {};
}

Result<void> ClientCore::ping(const std::stop_token& stop) {
  const bool is_modern = agreement_.era == McpEra::Modern;
  auto result = ask(is_modern ? "server/discover" : "ping", nlohmann::ordered_json::object(),
                    {.limit = setup_.config.call_time_limit}, stop);
  if (!result) return std::unexpected(std::move(result.error().error));
  return {};
}

void ClientCore::close() {
  if (session_) session_->close();
}

}  // namespace llama::internal
