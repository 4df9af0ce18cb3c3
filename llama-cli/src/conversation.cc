#include "conversation.h"

#include <algorithm>
#include <format>
#include <utility>

#include "console.h"

namespace llama {

Result<void> Conversation::begin() {
  std::vector<Message> first;
  if (!system_.empty()) first.push_back({.role = MessageRole::System, .content = system_});
  if (!id_.empty()) {
    auto set = set_messages(first);
    if (set || set.error().code != ErrorCode::NotFound) return set;  // else it has expired
  }
  auto session = server_.create_session();
  if (!session) return std::unexpected(session.error());
  id_ = session->id;
  return set_messages(std::move(first));
}

Result<void> Conversation::begin(std::string system) {
  std::swap(system_, system);
  auto begun = begin();
  if (!begun) system_ = std::move(system);
  return begun;
}

Result<void> Conversation::ask(const std::string& question) {
  const auto add = [&] { return server_.add_message(id_, {.content = question}); };
  auto added = add();
  if (added || added.error().code != ErrorCode::NotFound) return added;
  put_line(stderr, std::format("({}; a new conversation begins)", added.error().message));
  return begin().and_then(add);
}

Result<void> Conversation::set_messages(std::vector<Message> messages) {
  return server_.sessions().set_messages(id_, std::move(messages));
}

bool Conversation::undo() {
  auto known = session();
  if (!known) return false;
  auto& messages = known->messages;
  const auto last = std::ranges::find(messages.rbegin(), messages.rend(), MessageRole::User, &Message::role);
  if (last == messages.rend()) return false;
  messages.erase(std::prev(last.base()), messages.end());
  return set_messages(std::move(messages)).has_value();
}

bool Conversation::was_acted_upon() const {
  const auto known = session();
  if (!known) return false;
  const auto& messages = known->messages;
  const auto question = std::ranges::find(messages.rbegin(), messages.rend(), MessageRole::User, &Message::role);
  return std::ranges::contains(messages.rbegin(), question, MessageRole::Tool, &Message::role);
}

Result<void> Conversation::save(const std::string& file) const { return server_.sessions().save(id_, file); }

Result<std::size_t> Conversation::load(const std::string& file) {
  auto loaded = server_.sessions().load(file);
  if (!loaded && loaded.error().code == ErrorCode::Busy) loaded = load_in_place(file);
  if (!loaded) return std::unexpected(loaded.error());
  if (loaded->id != id_) static_cast<void>(server_.sessions().remove(id_));
  id_ = loaded->id;
  return loaded->messages.size();
}

// Where there is room for one session this one makes it, and comes back if the file is none.
Result<Session> Conversation::load_in_place(const std::string& file) {
  auto old = session();
  if (!old) return old;
  static_cast<void>(server_.sessions().remove(id_));
  auto loaded = server_.sessions().load(file);
  if (loaded) return loaded;
  id_.clear();
  const auto back = begin().and_then([&] { return set_messages(std::move(old->messages)); });
  return back ? loaded : std::unexpected(back.error());
}

}  // namespace llama
