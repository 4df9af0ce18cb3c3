#include "http/session.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"
#include "protocol/negotiation.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxSessionId = 4096;
constexpr const char* kSessionHeader = "Mcp-Session-Id";
constexpr const char* kRevisionHeader = "MCP-Protocol-Version";

std::string lower_header(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool is_set_here(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSet{"accept",        "content-type",      "content-length",
                                                 "last-event-id", "transfer-encoding", "connection"};
  const std::string lower = lower_header(name);
  return lower.starts_with("mcp-") || std::ranges::contains(kSet, lower);
}

// Source: specification 2026-07-28, "Standard headers"; npm @modelcontextprotocol/server 2.4.0 checks the same ones.
bool has_name_header(std::string_view method) {
  return method == "tools/call" || method == "prompts/get" || method == "resources/read";
}

}  // namespace

HttpSession::HttpSession(const McpServerConfig& config) {
  for (const auto& [name, value] : config.headers) {
    if (!is_set_here(name)) own_.push_back({name, value});
  }
}

void HttpSession::agree(std::string_view revision, McpEra era) {
  const std::scoped_lock lock(mutex_);
  revision_ = revision;
  era_ = era;
  if (revision.empty() || era == McpEra::Modern) id_.clear();
}

void HttpSession::begin(std::string_view id) {
  const bool is_sound =
      id.size() <= kMaxSessionId && std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f; });
  const std::scoped_lock lock(mutex_);
  id_ = is_sound ? id : std::string_view();
}

void HttpSession::learn_tool(std::string_view name, std::vector<ParameterHeader> parameters) {
  const std::scoped_lock lock(mutex_);
  if (parameters.empty()) {
    if (const auto found = tools_.find(name); found != tools_.end()) tools_.erase(found);
  } else {
    tools_.insert_or_assign(std::string(name), std::move(parameters));
  }
}

bool HttpSession::is_older() const {
  const std::scoped_lock lock(mutex_);
  return era_ == McpEra::Older;
}

std::string HttpSession::id() const {
  const std::scoped_lock lock(mutex_);
  return id_;
}

std::string HttpSession::revision() const {
  const std::scoped_lock lock(mutex_);
  return revision_;
}

bool HttpSession::has_own(std::string_view header) const {
  return std::ranges::any_of(own_,
                             [&](const HttpHeader& each) { return lower_header(each.name) == lower_header(header); });
}

void HttpSession::add_agreed(std::vector<HttpHeader>& headers) const {
  if (!id_.empty()) headers.push_back({kSessionHeader, id_});
  if (!revision_.empty()) headers.push_back({kRevisionHeader, revision_});
}

std::vector<HttpHeader> HttpSession::headers_to_post(const OutgoingMessage& message) const {
  std::vector<HttpHeader> headers = own_;
  headers.push_back({"Content-Type", "application/json"});
  headers.push_back({"Accept", "application/json, text/event-stream"});
  if (message.method == "initialize") return headers;
  const std::scoped_lock lock(mutex_);
  const bool is_question = message.method == "server/discover";
  if (era_ == McpEra::Older && !is_question) {
    add_agreed(headers);
    return headers;
  }
  headers.push_back({kRevisionHeader, revision_.empty() || is_question ? std::string(kModernRevision) : revision_});
  if (!message.method.empty()) headers.push_back({"Mcp-Method", header_value(message.method)});
  if (has_name_header(message.method)) headers.push_back({"Mcp-Name", header_value(message.name)});
  if (message.method != "tools/call") return headers;
  const auto tool = tools_.find(message.name);
  if (tool == tools_.end()) return headers;
  if (const auto json = parse_mcp_json(message.json)) {
    const auto& arguments = object_member(object_member(*json, "params"), "arguments");
    for (auto& each : headers_for_arguments(tool->second, arguments)) headers.push_back(std::move(each));
  }
  return headers;
}

std::vector<HttpHeader> HttpSession::headers_to_listen(std::string_view last_event_id) const {
  std::vector<HttpHeader> headers = own_;
  headers.push_back({"Accept", "text/event-stream"});
  if (!last_event_id.empty()) headers.push_back({"Last-Event-ID", std::string(last_event_id)});
  const std::scoped_lock lock(mutex_);
  add_agreed(headers);
  return headers;
}

std::vector<HttpHeader> HttpSession::headers_to_end() const {
  std::vector<HttpHeader> headers = own_;
  const std::scoped_lock lock(mutex_);
  add_agreed(headers);
  return headers;
}

}  // namespace llama::internal
