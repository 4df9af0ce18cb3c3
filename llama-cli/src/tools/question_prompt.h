// Put a tool server's question to the person at the terminal.
//
// Whatever a server sends is shown without its control characters: it must not move the cursor or colour what is ours.
// Threads  one question at a time.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "llama-mcp/mcp_client.h"

namespace llama {

// Text from outside for a terminal: control characters but the line break become spaces, and so do those that make a
// terminal write the other way round.
[[nodiscard]] std::string printable(std::string_view text);

// Asks for each member of the answer's schema. Declined where there is no terminal, cancelled by Ctrl-D.
[[nodiscard]] McpReply ask_in_terminal(const std::string& server, const McpQuestion& question,
                                       const std::stop_token& stop);

// A line that the person types after `prompt`, on the terminal itself; nothing at its end, a stop, or without one.
[[nodiscard]] std::optional<std::string> read_from_terminal(std::string_view prompt, const std::stop_token& stop);

// Is it the word, or its first letter? In capitals too, and with blanks around.
[[nodiscard]] bool is_word(std::string_view typed, std::string_view word);

// What was typed before a question was there is no answer to it.
void forget_typed_ahead();

// Is there a person at a terminal, who can be asked?
[[nodiscard]] bool has_terminal();

}  // namespace llama
