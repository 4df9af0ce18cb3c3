// Put a conversation with tools into a form that its template can write.
//
// What a template does not show is written into the messages: definitions into the system's, calls into the
// assistant's, in the way in which the reply's format reads them, results into a user's. What it objects to is taken
// apart: several calls of one message become one message each, followed by its result; ids become ones of nine letters
// and digits, the same for the same id each time.
// All of that is still text from outside, and is marked as such when the template has written it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../tools/grammar/call_shape.h"
#include "llama-agent/message.h"
#include "tool_capabilities.h"

namespace llama::internal {

// tools: JSON text of the definitions, "": none. shape: of the format that the reply is read with; null: a call is
// written as a JSON object.
[[nodiscard]] std::vector<Message> with_tools_repaired(std::span<const Message> messages, std::string_view tools,
                                                       const ToolCapabilities& can, const CallShape* shape);

// An id of nine letters and digits: the same one where it is one already.
[[nodiscard]] std::string id_of_nine(std::string_view id);

}  // namespace llama::internal
