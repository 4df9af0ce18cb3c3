#include <algorithm>
#include <array>

#include "call_shape.h"

namespace llama::internal {
namespace {

constexpr std::array kShapes{
    CallShape{.format = "hermes",
              .call = "<tool_call>%/{%_\"name\"%_:%~\"%N\"%_,%~\"arguments\"%_:%~%A%_}%/</tool_call>",
              .between = "%/",
              .marker = "<tool_call>"},
};

}  // namespace

const CallShape* call_shape_of(std::string_view format) {
  const auto found = std::ranges::find(kShapes, format, &CallShape::format);
  return found == kShapes.end() ? nullptr : &*found;
}

std::string_view call_opener_of(std::string_view format) {
  static_cast<void>(format);
  return {};
}

}  // namespace llama::internal
