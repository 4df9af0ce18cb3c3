#include "allowed_tools.h"

#include <utility>

namespace llama {
namespace {

class AllowedTools final : public ToolSource {
 public:
  AllowedTools(std::shared_ptr<ToolSource> source, std::vector<ApprovalRule> rules) : source_(std::move(source)) {
    policy_.rules = std::move(rules);
  }

  Listing list(const std::stop_token& stop) override {
    Listing listing = source_->list(stop);
    std::erase_if(listing.tools,
                  [&](const ToolDefinition& tool) { return decide(policy_, tool) == ApprovalAction::Deny; });
    return listing;
  }

  ToolResult call(const ToolDefinition& tool, const std::string& arguments, const ToolContext& context) override {
    return source_->call(tool, arguments, context);
  }

 private:
  std::shared_ptr<ToolSource> source_;
  ApprovalPolicy policy_;
};

}  // namespace

std::shared_ptr<ToolSource> allowed_tools(std::shared_ptr<ToolSource> source, std::vector<ApprovalRule> rules) {
  return std::make_shared<AllowedTools>(std::move(source), std::move(rules));
}

}  // namespace llama
