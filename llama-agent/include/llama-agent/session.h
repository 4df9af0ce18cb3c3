// Keep conversations: their messages, for as long as they are used.
//
// Threads  SessionStore: any number at once; a Session is a copy of the caller's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/message.h"
#include "llama-base/error.h"

namespace llama {

struct SessionConfig {
  std::int32_t max_sessions = 1000;            // that are not expired
  std::chrono::seconds session_timeout{3600};  // since the last use
  std::size_t max_message_bytes = 100'000;     // of a user's, a system's, a tool's message; 1,024 to 8 MiB
};

// Errors   InvalidArgument: the number that is out of its range.
[[nodiscard]] Result<void> check(const SessionConfig& config);

struct Session {
  std::string id;  // a ULID: 26 characters that sort by time
  std::vector<Message> messages;
  std::chrono::system_clock::time_point created_at, updated_at;
};

struct SessionStats {
  std::size_t total_sessions = 0, active_sessions = 0, expired_sessions = 0, total_messages = 0;
};

// Errors   InvalidText: not UTF-8, with a NUL, or longer than max_bytes (an assistant's: 8 MiB); InvalidArgument: a
//          user's message without text.
[[nodiscard]] Result<void> check(const Message& message, std::size_t max_bytes = SessionConfig{}.max_message_bytes);

class SessionStore {
 public:
  explicit SessionStore(const SessionConfig& config) : config_(config) {}

  // Errors   Busy: as many sessions as may be. Expired ones are removed first.
  [[nodiscard]] Result<Session> create();
  // Errors   NotFound: no such session, or it has expired (and the message says which).
  [[nodiscard]] Result<Session> get(std::string_view id) const;
  [[nodiscard]] Result<void> add_message(std::string_view id, Message message);
  // Puts a longer message in the place of the one at `index`, if that is still the old one.
  //
  // Errors   as add_message(); Busy: it is not.
  [[nodiscard]] Result<void> extend_message(std::string_view id, std::size_t index, const Message& old,
                                            Message extended);
  // Puts all messages in place of what was there.
  [[nodiscard]] Result<void> set_messages(std::string_view id, std::vector<Message> messages);
  [[nodiscard]] Result<void> remove(std::string_view id);
  [[nodiscard]] std::vector<std::string> list() const;  // of those that are not expired
  std::size_t remove_expired();
  [[nodiscard]] SessionStats stats() const;

  // A session as a JSON file: messages, roles, times. Written beside its place and renamed.
  //
  // Errors   NotFound, Io, NoSpace.
  [[nodiscard]] Result<void> save(std::string_view id, const std::filesystem::path& file) const;
  // Adds the file's session under its own id, or under a new one where that is taken.
  //
  // Errors   NotFound, Io, InvalidArgument (no session, and where the file is wrong), Busy.
  [[nodiscard]] Result<Session> load(const std::filesystem::path& file);

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    Session session;
    Clock::time_point used_at;
  };
  [[nodiscard]] bool is_expired(const Entry& entry) const;
  Result<void> add(Session session);
  Result<Entry*> find(std::string_view id) const;

  SessionConfig config_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Entry, std::less<>> entries_;
};

// A new ULID. Source: github.com/ulid/spec (48 bits of milliseconds, 80 random bits, Crockford's base 32).
[[nodiscard]] std::string new_ulid();

}  // namespace llama
