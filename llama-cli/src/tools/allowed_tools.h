// Leave out of a source of tools what a rule never allows: a model is not offered what it may not call.
#pragma once

#include <memory>
#include <vector>

#include "llama-agent/tool_approval.h"
#include "llama-agent/tool_set.h"

namespace llama {

[[nodiscard]] std::shared_ptr<ToolSource> allowed_tools(std::shared_ptr<ToolSource> source,
                                                        std::vector<ApprovalRule> rules);

}  // namespace llama
