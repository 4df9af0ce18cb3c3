#include "protocol/negotiation.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxName = 200, kMaxInstructions = std::size_t{64} << 10;

nlohmann::ordered_json client_info(const McpClientOptions& options) {
  return {{"name", options.client_name}, {"version", options.client_version.empty() ? "0" : options.client_version}};
}

McpServerInfo server_info(const nlohmann::ordered_json& self, const nlohmann::ordered_json& result,
                          std::string_view revision) {
  const auto& capabilities = object_member(result, "capabilities");
  return {.name = first_part(one_line(text_member(self, "name")), kMaxName),
          .version = first_part(one_line(text_member(self, "version")), kMaxName),
          .title = first_part(one_line(text_member(self, "title")), kMaxName),
          .revision = std::string(revision),
          .instructions = first_part(text_member(result, "instructions"), kMaxInstructions),
          .has_tools = capabilities.contains("tools"),
          .has_prompts = capabilities.contains("prompts"),
          .has_resources = capabilities.contains("resources")};
}

std::vector<std::string> texts(const nlohmann::ordered_json& list) {
  std::vector<std::string> found;
  for (const auto& each : list) {
    if (each.is_string()) found.push_back(each.get<std::string>());
  }
  return found;
}

bool has_modern(const std::vector<std::string>& revisions) { return std::ranges::contains(revisions, kModernRevision); }

bool has_older(const std::vector<std::string>& revisions) {
  return std::ranges::any_of(revisions, [](const auto& each) { return std::ranges::contains(kOlderRevisions, each); });
}

std::string known_revisions() { return std::format("2024-11-05 to {}", kModernRevision); }

Discovery refused(const McpSession& session, const RequestFailure& failure) {
  using Verdict = Discovery::Verdict;
  if (failure.code != kUnsupportedRevision) return {.verdict = Verdict::Older};
  const auto supported = texts(array_member(failure.data, "supported"));
  if (supported.empty() || has_older(supported)) return {.verdict = Verdict::Older};
  return {.verdict = Verdict::Failed,
          .error = session.named(
              {ErrorCode::Network, std::format("it speaks the protocol's revision {}, and known here are {}",
                                               first_part(supported.front(), kMaxName), known_revisions())})};
}

}  // namespace

nlohmann::ordered_json modern_stamp(const McpClientOptions& options, const nlohmann::ordered_json& capabilities,
                                    bool wants_log) {
  nlohmann::ordered_json stamp{{"io.modelcontextprotocol/protocolVersion", kModernRevision},
                               {"io.modelcontextprotocol/clientInfo", client_info(options)},
                               {"io.modelcontextprotocol/clientCapabilities", capabilities}};
  if (wants_log) stamp["io.modelcontextprotocol/logLevel"] = "info";
  return stamp;
}

Discovery discover(McpSession& session, const McpClientOptions& options, std::chrono::milliseconds limit,
                   const std::stop_token& stop) {
  using Verdict = Discovery::Verdict;
  using End = RequestFailure::End;
  nlohmann::ordered_json params{{"_meta", modern_stamp(options, session.questions().capabilities(), false)}};
  const auto ask = [&] {
    return session.request("server/discover", params, {.limit = limit, .is_cancellable = false}, stop);
  };
  auto answer = ask();
  // Refused for its revision by a server that names this very revision: another server of the same address may answer.
  if (!answer && answer.error().code == kUnsupportedRevision &&
      has_modern(texts(array_member(answer.error().data, "supported")))) {
    answer = ask();
  }
  if (!answer) {
    const auto& failure = answer.error();
    switch (failure.end) {
      case End::Refused:
        return refused(session, failure);
      case End::SessionLost:
        return {.verdict = Verdict::Older};
      case End::TimedOut:
        return {.verdict = Verdict::Silent, .error = failure.error};
      case End::Ended:
        return {.verdict = Verdict::Ended, .error = failure.error};
      case End::Cancelled:
        return {.verdict = Verdict::Failed, .error = failure.error};
      case End::Failed:
        break;
    }
    const auto code = failure.error.code;
    if (code == ErrorCode::InvalidArgument) return {.verdict = Verdict::Older};
    return {.verdict = code == ErrorCode::TimedOut ? Verdict::Silent : Verdict::Failed, .error = failure.error};
  }
  const auto supported = texts(array_member(*answer, "supportedVersions"));
  if (!has_modern(supported)) return {.verdict = Verdict::Older};
  const auto& self = object_member(object_member(*answer, "_meta"), "io.modelcontextprotocol/serverInfo");
  return {.verdict = Verdict::Modern,
          .agreement = Agreement{.era = McpEra::Modern,
                                 .info = server_info(self, *answer, kModernRevision),
                                 .capabilities = object_member(*answer, "capabilities")}};
}

Greeting initialize(McpSession& session, const McpClientOptions& options, std::chrono::milliseconds limit,
                    const std::stop_token& stop) {
  nlohmann::ordered_json params{{"protocolVersion", kOlderRevisions[0]},
                                {"capabilities", session.questions().capabilities()},
                                {"clientInfo", client_info(options)}};
  const auto answer = session.request("initialize", std::move(params), {.limit = limit, .is_cancellable = false}, stop);
  if (!answer) {
    Greeting failed{.error = answer.error().error};
    failed.is_modern_after_all = answer.error().code == kUnsupportedRevision &&
                                 has_modern(texts(array_member(answer.error().data, "supported")));
    return failed;
  }
  const std::string revision = text_member(*answer, "protocolVersion");
  if (!std::ranges::contains(kOlderRevisions, revision)) {
    return {.error = session.named(
                {ErrorCode::Network, std::format("it answers 'initialize' with revision '{}' of the protocol,"
                                                 " and known here are {}",
                                                 first_part(revision, kMaxName), known_revisions())})};
  }
  session.agree(revision, McpEra::Older);
  if (auto told = session.notify("notifications/initialized"); !told) return {.error = told.error()};
  return {.agreement = Agreement{.era = McpEra::Older,
                                 .info = server_info(object_member(*answer, "serverInfo"), *answer, revision),
                                 .capabilities = object_member(*answer, "capabilities")}};
}

}  // namespace llama::internal
