// Calls that are written as in a program: look(at="sky", n=2), in a list or one on a line, and call:look{at:…}.
//
// Python's arguments without a name get it from the tool's schema; where that is not known, the call is not complete.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "argument_order.h"
#include "call_block.h"
#include "loose_json.h"

namespace llama::internal {

struct WrittenSyntax {
  char bracket = '(';          // that opens the arguments
  std::string_view before{};   // a call: "call:", which may be missing
  std::string_view wrapper{};  // a function whose only argument is the call: "print"
  LooseJson::Syntax values{};
};

[[nodiscard]] std::unique_ptr<CallBlock> written_calls(const WrittenSyntax& syntax,
                                                       std::shared_ptr<const ArgumentOrder> order);

}  // namespace llama::internal
