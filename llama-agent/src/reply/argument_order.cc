#include "argument_order.h"

#include <nlohmann/json.hpp>

namespace llama::internal {

ArgumentOrder::ArgumentOrder(const ReplyFormatOptions& options) {
  for (std::size_t i = 0; i < options.tools.size() && i < options.tool_parameters.size(); ++i) {
    const auto schema = nlohmann::ordered_json::parse(options.tool_parameters[i], nullptr, false);
    if (!schema.is_object()) continue;
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->is_object()) continue;
    for (const auto& property : properties->items()) tools_[options.tools[i]].push_back(property.key());
  }
}

std::vector<std::string> ArgumentOrder::names(std::string_view tool) const {
  const auto found = tools_.find(tool);
  return found == tools_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace llama::internal
