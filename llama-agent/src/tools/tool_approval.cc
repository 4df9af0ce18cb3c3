#include "llama-agent/tool_approval.h"

#include <algorithm>
#include <format>

#include "tool_text.h"

namespace llama {
namespace {

std::string place_of(const ToolDefinition& tool) { return std::format("{}\n{}", tool.server, tool.name); }

// All that an approval is for; the lengths keep one part from passing for another.
std::string print_of(const ToolDefinition& tool) {
  return std::format("{}\n{}:{}{}:{}", place_of(tool), tool.description.size(), tool.description,
                     tool.parameters.size(), tool.parameters);
}

}  // namespace

Result<ApprovalMode> parse_approval_mode(std::string_view name) {
  if (name == "ask") return ApprovalMode::Ask;
  if (name == "always") return ApprovalMode::Always;
  if (name == "never") return ApprovalMode::Never;
  return fail(ErrorCode::InvalidArgument, std::format("'{}' is no way to approve tools: ask, always or never", name));
}

ApprovalMemory::State ApprovalMemory::state_of(const ToolDefinition& tool) const {
  const std::scoped_lock lock(mutex_);
  if (approved_.contains(print_of(tool))) return State::Approved;
  return names_.contains(place_of(tool)) ? State::Changed : State::Unknown;
}

bool ApprovalMemory::was_seen(const ToolDefinition& tool) const {
  const std::scoped_lock lock(mutex_);
  return seen_.contains(print_of(tool));
}

void ApprovalMemory::approve(const ToolDefinition& tool) {
  const std::scoped_lock lock(mutex_);
  names_.insert(place_of(tool));
  approved_.insert(print_of(tool));
  seen_.insert(print_of(tool));
}

void ApprovalMemory::see(const ToolDefinition& tool) {
  const std::scoped_lock lock(mutex_);
  seen_.insert(print_of(tool));
}

ApprovalAction decide(const ApprovalPolicy& policy, const ToolDefinition& tool) {
  if (policy.mode == ApprovalMode::Never) return ApprovalAction::Deny;
  const std::string name = tool.server.empty() ? tool.name : tool.server + "." + tool.name;
  const auto fits = [&](const std::string& pattern) { return internal::fits_pattern(pattern, name); };
  for (const auto& rule : policy.rules) {
    if (fits(rule.pattern) && std::ranges::none_of(rule.except, fits)) return rule.action;
  }
  return policy.mode == ApprovalMode::Always ? ApprovalAction::Allow : ApprovalAction::Ask;
}

}  // namespace llama
