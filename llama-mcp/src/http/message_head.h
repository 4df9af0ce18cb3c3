// Look at a message just far enough to know whose it is: its id, and whether it is an answer.
//
// Cost     one pass; nothing is kept but the id.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

struct MessageHead {
  bool is_object = false;  // of JSON; a batch, or no JSON at all, is none
  bool is_answer = false;  // it has a result or an error, and no method
  bool is_error = false;
  bool has_id = false;  // and it is not null
  std::string id{};     // a whole number as it stands there, a text with its quotes
};

[[nodiscard]] MessageHead read_message_head(std::string_view json);

// The same answer with another id. Requires an answer's text.
[[nodiscard]] std::string with_id(std::string_view json, std::string_view id);

}  // namespace llama::internal
