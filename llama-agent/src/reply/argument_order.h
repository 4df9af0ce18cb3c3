// The order in which a tool's JSON Schema names its arguments: it names those that a call gives by position.
//
// Threads  any number at a time, once it is made.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reply_format.h"

namespace llama::internal {

class ArgumentOrder {
 public:
  // A schema that cannot be read says nothing.
  explicit ArgumentOrder(const ReplyFormatOptions& options);
  [[nodiscard]] std::vector<std::string> names(std::string_view tool) const;  // none: not known

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> tools_;
};

}  // namespace llama::internal
