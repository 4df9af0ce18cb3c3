#include "llama-agent/session.h"

#include <algorithm>
#include <format>
#include <utility>

#include "../at_most_a_year.h"
#include "llama-base/utf8_stream.h"
#include "session_file.h"

namespace llama {
namespace {

constexpr std::size_t kMinMessage = 1024;                        // bytes
constexpr std::size_t kMaxReply = std::size_t{8} * 1024 * 1024;  // bytes, of a model: more than its most tokens make

Result<void> check_text(std::string_view text, std::size_t most) {
  if (text.size() > most) {
    return fail(ErrorCode::InvalidText, std::format("a message of {} bytes is longer than {}", text.size(), most));
  }
  if (internal::whole_characters(text) != text) return fail(ErrorCode::InvalidText, "a message is not UTF-8 text");
  if (text.contains('\0')) return fail(ErrorCode::InvalidText, "a message contains a NUL character");
  return {};
}

}  // namespace

Result<void> check(const SessionConfig& c) {
  if (c.max_sessions < 1) return fail(ErrorCode::InvalidArgument, "the number of sessions must be greater than 0");
  if (c.session_timeout.count() < 1) {
    return fail(ErrorCode::InvalidArgument, "the session timeout must be greater than 0");
  }
  if (c.max_message_bytes < kMinMessage || c.max_message_bytes > kMaxReply) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the longest message must have {} to {} bytes", kMinMessage, kMaxReply));
  }
  return {};
}

Result<void> check(const Message& message, std::size_t max_bytes) {
  const std::size_t most = message.role == MessageRole::Assistant ? kMaxReply : max_bytes;
  for (const auto* text : {&message.content, &message.thinking}) {
    if (auto sound = check_text(*text, most); !sound) return sound;
  }
  for (const auto& call : message.tool_calls) {
    for (const auto* text : {&call.id, &call.name, &call.arguments}) {
      if (auto sound = check_text(*text, most); !sound) return sound;
    }
  }
  for (const auto* text : {&message.tool_call_id, &message.tool_name}) {
    if (!*text) continue;
    if (auto sound = check_text(**text, most); !sound) return sound;
  }
  if (message.role == MessageRole::User && message.content.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(ErrorCode::InvalidArgument, "the message is empty");
  }
  return {};
}

bool SessionStore::is_expired(const Entry& entry) const {
  return Clock::now() - entry.used_at > internal::at_most_a_year(config_.session_timeout);
}

Result<SessionStore::Entry*> SessionStore::find(std::string_view id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return fail(ErrorCode::NotFound, std::format("there is no session '{}'", id));
  if (is_expired(found->second)) {
    return fail(ErrorCode::NotFound,
                std::format("session '{}' has expired: it was not used for {} s", id, config_.session_timeout.count()));
  }
  return &found->second;
}

Result<void> SessionStore::add(Session session) {
  std::erase_if(entries_, [&](const auto& entry) { return is_expired(entry.second); });
  if (std::ssize(entries_) >= config_.max_sessions) {
    return fail(ErrorCode::Busy, std::format("there are {} sessions, which is all that may be", entries_.size()));
  }
  entries_.emplace(session.id, Entry{session, Clock::now()});
  return {};
}

Result<Session> SessionStore::create() {
  const auto now = std::chrono::system_clock::now();
  Session session{.id = new_ulid(), .messages = {}, .created_at = now, .updated_at = now};
  const std::scoped_lock lock(mutex_);
  if (auto added = add(session); !added) return std::unexpected(added.error());
  return session;
}

Result<Session> SessionStore::get(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  auto entry = find(id);
  if (!entry) return std::unexpected(entry.error());
  (*entry)->used_at = Clock::now();
  return (*entry)->session;
}

Result<void> SessionStore::add_message(std::string_view id, Message message) {
  if (auto sound = check(message, config_.max_message_bytes); !sound) return sound;
  const std::scoped_lock lock(mutex_);
  auto entry = find(id);
  if (!entry) return std::unexpected(entry.error());
  (*entry)->used_at = Clock::now();
  (*entry)->session.updated_at = std::chrono::system_clock::now();
  (*entry)->session.messages.push_back(std::move(message));
  return {};
}

Result<void> SessionStore::extend_message(std::string_view id, std::size_t index, const Message& old,
                                          Message extended) {
  if (auto sound = check(extended, config_.max_message_bytes); !sound) return sound;
  const std::scoped_lock lock(mutex_);
  auto entry = find(id);
  if (!entry) return std::unexpected(entry.error());
  auto& messages = (*entry)->session.messages;
  const bool is_there = index < messages.size() && messages[index].role == old.role &&
                        messages[index].content == old.content && messages[index].thinking == old.thinking;
  if (!is_there) {
    return fail(ErrorCode::Busy,
                std::format("message {} of session '{}' has been changed in the meantime", index + 1, id));
  }
  (*entry)->used_at = Clock::now();
  (*entry)->session.updated_at = std::chrono::system_clock::now();
  messages[index] = std::move(extended);
  return {};
}

Result<void> SessionStore::set_messages(std::string_view id, std::vector<Message> messages) {
  for (const auto& message : messages) {
    if (auto sound = check(message, config_.max_message_bytes); !sound) return sound;
  }
  const std::scoped_lock lock(mutex_);
  auto entry = find(id);
  if (!entry) return std::unexpected(entry.error());
  (*entry)->used_at = Clock::now();
  (*entry)->session.updated_at = std::chrono::system_clock::now();
  (*entry)->session.messages = std::move(messages);
  return {};
}

Result<void> SessionStore::remove(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  if (auto entry = find(id); !entry) return std::unexpected(entry.error());
  entries_.erase(entries_.find(id));
  return {};
}

std::vector<std::string> SessionStore::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    if (!is_expired(entry)) ids.push_back(id);
  }
  return ids;
}

std::size_t SessionStore::remove_expired() {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(entries_, [&](const auto& entry) { return is_expired(entry.second); });
}

SessionStats SessionStore::stats() const {
  const std::scoped_lock lock(mutex_);
  SessionStats stats{.total_sessions = entries_.size()};
  for (const auto& [id, entry] : entries_) {
    ++(is_expired(entry) ? stats.expired_sessions : stats.active_sessions);
    stats.total_messages += entry.session.messages.size();
  }
  return stats;
}

Result<void> SessionStore::save(std::string_view id, const std::filesystem::path& file) const {
  auto session = get(id);
  if (!session) return std::unexpected(session.error());
  return internal::write_session(*session, file);
}

Result<Session> SessionStore::load(const std::filesystem::path& file) {
  auto session = internal::read_session(file);
  if (!session) return session;
  for (const auto& message : session->messages) {
    if (auto sound = check(message, config_.max_message_bytes); !sound) {
      return fail(ErrorCode::InvalidArgument, std::format("{}: {}", file.string(), sound.error().message));
    }
  }
  const std::scoped_lock lock(mutex_);
  if (session->id.empty() || entries_.contains(session->id)) session->id = new_ulid();
  if (auto added = add(*session); !added) return std::unexpected(added.error());
  return session;
}

}  // namespace llama
