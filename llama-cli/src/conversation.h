// The conversation of a chat: one session of the server's, whatever a person does to it.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "llama-agent/agent_server.h"

namespace llama {

class Conversation {
 public:
  Conversation(AgentServer& server, std::string system) : server_(server), system_(std::move(system)) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] Result<Session> session() const { return server_.get_session(id_); }

  // Anew, with the system's message only. In the session that there is: its place may be the only one.
  [[nodiscard]] Result<void> begin();
  // With another system's message; where it is none everything stays.
  [[nodiscard]] Result<void> begin(std::string system);

  // Says so on standard error where the session has expired, and begins anew.
  [[nodiscard]] Result<void> ask(const std::string& question);
  [[nodiscard]] Result<void> set_messages(std::vector<Message> messages);
  // Forgets the last question and all that came after it; false where there is none.
  bool undo();
  // Have tools done something since the last question?
  [[nodiscard]] bool was_acted_upon() const;

  [[nodiscard]] Result<void> save(const std::string& file) const;
  // The number of its messages. Where the file is none everything stays.
  [[nodiscard]] Result<std::size_t> load(const std::string& file);

 private:
  [[nodiscard]] Result<Session> load_in_place(const std::string& file);

  AgentServer& server_;
  std::string system_, id_;
};

}  // namespace llama
