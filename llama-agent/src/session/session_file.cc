#include "session_file.h"

#include <cerrno>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

#include "llama-base/disk.h"
#include "llama-base/json_shape.h"
#include "llama-base/text_kind.h"

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;
using Seconds = std::chrono::seconds;

constexpr std::uintmax_t kMaxSessionFile = 256U << 20U;
constexpr int kSessionVersion = 1;
constexpr std::size_t kMaxFileMessage =
    std::size_t{8} * 1024 * 1024;  // bytes: the largest SessionConfig::max_message_bytes

std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
}

std::chrono::system_clock::time_point time_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::chrono::system_clock::now();
  return std::chrono::system_clock::time_point(Seconds(found->get<std::int64_t>()));
}

std::string string_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json to_object(const Message& message) {
  Json object{{"role", to_string(message.role)}, {"content", message.content}};
  if (!message.thinking.empty()) object["thinking"] = message.thinking;
  for (const auto& call : message.tool_calls) {
    object["tool_calls"].push_back({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  }
  if (message.tool_call_id) object["tool_call_id"] = *message.tool_call_id;
  if (message.tool_name) object["tool_name"] = *message.tool_name;
  object["timestamp"] = seconds_of(message.timestamp);
  return object;
}

Result<Message> message_of(const Json& object) {
  if (!object.is_object() || !object.contains("content") || !object["content"].is_string()) {
    return fail(ErrorCode::InvalidArgument, "a message without content");
  }
  auto role = parse_message_role(string_in(object, "role"));
  if (!role) return std::unexpected(role.error());
  Message message{.role = *role, .content = string_in(object, "content"), .thinking = string_in(object, "thinking")};
  if (const auto calls = object.find("tool_calls"); calls != object.end() && calls->is_array()) {
    for (const auto& call : *calls) {
      if (!call.is_object()) return fail(ErrorCode::InvalidArgument, "a tool call that is no object");
      message.tool_calls.push_back({string_in(call, "id"), string_in(call, "name"), string_in(call, "arguments")});
    }
  }
  if (object.contains("tool_call_id")) message.tool_call_id = string_in(object, "tool_call_id");
  if (object.contains("tool_name")) message.tool_name = string_in(object, "tool_name");
  message.timestamp = time_of(object, "timestamp");
  // A file may come from a store with another limit; the one that reads it looks again.
  if (auto sound = check(message, kMaxFileMessage); !sound) return std::unexpected(sound.error());
  return message;
}

}  // namespace

std::string to_json(const Session& session) {
  Json object{{"version", kSessionVersion},
              {"id", session.id},
              {"created_at", seconds_of(session.created_at)},
              {"updated_at", seconds_of(session.updated_at)},
              {"messages", Json::array()}};
  for (const auto& message : session.messages) object["messages"].push_back(to_object(message));
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Session> parse_session(std::string_view text) {
  const auto wrong = [](std::string_view what) {
    return fail(ErrorCode::InvalidArgument, std::format("no session: {}", what));
  };
  if (const auto why = why_not_utf8(text)) return wrong(*why);
  if (!is_bounded_json(text)) return wrong("it is nested too deep, or has too many members");
  const Json object = Json::parse(text, nullptr, false);
  if (object.is_discarded()) return wrong("it is not JSON");
  if (!object.is_object() || !object.contains("messages") || !object["messages"].is_array()) {
    return wrong("it has no messages");
  }
  if (const auto version = object.find("version"); version != object.end() && *version != kSessionVersion) {
    return wrong(std::format("its version is {}, this program reads {}", version->dump(), kSessionVersion));
  }
  Session session{.id = string_in(object, "id"),
                  .messages = {},
                  .created_at = time_of(object, "created_at"),
                  .updated_at = time_of(object, "updated_at")};
  for (const auto& entry : object["messages"]) {
    auto message = message_of(entry);
    if (!message) return wrong(std::format("message {}: {}", session.messages.size() + 1, message.error().message));
    session.messages.push_back(std::move(*message));
  }
  return session;
}

Result<void> write_session(const Session& session, const std::filesystem::path& file) {
  const auto written = replace_file(file, to_json(session), {.mode = 0600});
  if (!written) return fail(written.error().code, std::format("session file {}", written.error().message));
  return {};
}

Result<Session> read_session(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return fail(ErrorCode::NotFound, std::format("there is no session file '{}'", file.string()));
  if (size > kMaxSessionFile) {
    return fail(ErrorCode::InvalidArgument, std::format("session file '{}' has {} bytes", file.string(), size));
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) return disk_error("read", file, errno);
  auto session = parse_session(text.str());
  if (!session) {
    return fail(session.error().code, std::format("'{}': {}", file.string(), session.error().message));
  }
  return session;
}

}  // namespace llama::internal
