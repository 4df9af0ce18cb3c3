#include "protocol/json_rpc.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"

namespace llama::internal {

RpcMessage read_rpc(nlohmann::ordered_json message) {
  RpcMessage read;
  if (!message.is_object()) return read;
  const auto& id = member(message, "id");
  const bool has_id = id.is_string() || id.is_number_integer();
  if (const auto& method = member(message, "method"); method.is_string()) {
    if (!has_id && message.contains("id")) return read;
    read.kind = has_id ? RpcMessage::Kind::Request : RpcMessage::Kind::Notification;
    read.method = method.get<std::string>();
    read.id = id;
    read.params = object_member(message, "params");
    return read;
  }
  const auto& error = member(message, "error");
  if (error.is_object()) {
    read.kind = RpcMessage::Kind::Answer;
    read.is_error = true;
    read.error_code = static_cast<int>(integer_member(error, "code").value_or(0));
    read.error_message = text_member(error, "message");
    read.error_data = member(error, "data");
    if (has_id) read.id = id;
  } else if (has_id && message.contains("result")) {
    read.kind = RpcMessage::Kind::Answer;
    read.id = id;
    read.result = std::move(message["result"]);
  }
  return read;
}

std::string rpc_request(std::int64_t id, std::string_view method, const nlohmann::ordered_json& params) {
  return to_text({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string rpc_notification(std::string_view method, const nlohmann::ordered_json& params) {
  nlohmann::ordered_json message{{"jsonrpc", "2.0"}, {"method", method}};
  if (!params.empty()) message["params"] = params;
  return to_text(message);
}

std::string rpc_result(const nlohmann::ordered_json& id, const nlohmann::ordered_json& result) {
  return to_text({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string rpc_error(const nlohmann::ordered_json& id, int code, std::string_view message) {
  return to_text({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

}  // namespace llama::internal
