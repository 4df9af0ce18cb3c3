// Say whether a reply may, must or must not call tools.
#pragma once

#include <string>

namespace llama {

struct ToolChoice {
  enum class Kind {
    Auto,      // as the model likes
    None,      // the tools are not offered, and whatever it writes is text
    Required,  // at least one call
    Named,     // a call of the tool `name`
  };
  Kind kind = Kind::Auto;
  std::string name{};
  bool several = true;  // may one reply call more than once?

  bool operator==(const ToolChoice&) const = default;
};

}  // namespace llama
