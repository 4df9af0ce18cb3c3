// Tell the messages of JSON-RPC apart, and write ours.
//
// A server's request may have the id of one of ours: what makes an answer is that it has an id and no method.
// Source   jsonrpc.org/specification, version 2.0; modelcontextprotocol.io/specification, "Base protocol", "Messages".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace llama::internal {

// Codes of errors. From -32020 on they are the revision 2026-07-28's, -32042 is 2025-11-25's.
// Source   PyPI mcp-types 2.3.0, mcp_types/jsonrpc.py.
constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602,
              kRpcInternalError = -32603, kHeaderMismatch = -32020, kMissingClientCapability = -32021,
              kUnsupportedRevision = -32022, kUrlQuestionRequired = -32042;

struct RpcMessage {
  enum class Kind { Request, Notification, Answer, Stray };
  Kind kind = Kind::Stray;
  nlohmann::ordered_json id{};      // of a request or an answer; null of an answer: the server could not read which
  std::string method{};             // of a request or notification
  nlohmann::ordered_json params{};  // {} where there are none
  nlohmann::ordered_json result{};  // of an answer without error
  bool is_error = false;
  int error_code = 0;
  std::string error_message{};
  nlohmann::ordered_json error_data{};
};

[[nodiscard]] RpcMessage read_rpc(nlohmann::ordered_json message);

[[nodiscard]] std::string rpc_request(std::int64_t id, std::string_view method, const nlohmann::ordered_json& params);
[[nodiscard]] std::string rpc_notification(std::string_view method, const nlohmann::ordered_json& params);
[[nodiscard]] std::string rpc_result(const nlohmann::ordered_json& id, const nlohmann::ordered_json& result);
[[nodiscard]] std::string rpc_error(const nlohmann::ordered_json& id, int code, std::string_view message);

}  // namespace llama::internal
