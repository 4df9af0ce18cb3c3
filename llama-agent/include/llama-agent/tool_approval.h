// Decide whether a call may run: rules, then a person.
//
// A tool's own hints (read-only, destructive) are shown to the person and decide nothing. An approval holds for one
// definition: name, description and schema; a tool that changes one of them is asked for again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/tool.h"
#include "llama-base/error.h"

namespace llama {

enum class ApprovalMode {
  Ask,     // a person, for what no rule allows or denies; without an asker it is denied
  Always,  // run what no rule denies or wants asked
  Never,   // run nothing, whatever the rules say
};

// Errors   InvalidArgument for anything but "ask", "always", "never".
[[nodiscard]] Result<ApprovalMode> parse_approval_mode(std::string_view name);

enum class ApprovalAction { Allow, Ask, Deny };

struct ApprovalRule {
  std::string pattern;  // of "SERVER.TOOL", or of a native tool's name: "*" is any text, "?" one character
  ApprovalAction action = ApprovalAction::Ask;
  std::vector<std::string> except{};  // patterns of names that the rule is not about
};

struct ApprovalQuestion {
  std::string call_id, name;  // as the model knows it
  std::string arguments;      // as the tool would get them
  ToolDefinition definition;  // its description and hints come from the server
  bool is_first = false;      // nothing of this tool was approved so far: show its description
  bool has_changed = false;   // it was approved, but is not the same any more
};

struct ApprovalAnswer {
  enum class Kind { Once, Tool, Deny };  // this call; this tool as long as the memory lasts; not
  Kind kind = Kind::Deny;
  std::string reason{};     // of Deny: told to the model
  std::string arguments{};  // a JSON object to run the call with instead; "": as they are
};

// Called on a thread of its own, one question at a time. Must come back when the token is requested: the time is over
// or the run is cancelled, and whatever it answers then is a denial.
using ApprovalAsker = std::function<ApprovalAnswer(const ApprovalQuestion&, const std::stop_token&)>;

// Which tools were approved for longer than one call. Threads: any number at once.
class ApprovalMemory {
 public:
  enum class State { Unknown, Approved, Changed };
  [[nodiscard]] State state_of(const ToolDefinition& tool) const;
  [[nodiscard]] bool was_seen(const ToolDefinition& tool) const;  // approved once at least, as it is now
  void approve(const ToolDefinition& tool);
  void see(const ToolDefinition& tool);

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_, approved_, seen_;
};

struct ApprovalPolicy {
  ApprovalMode mode = ApprovalMode::Ask;
  std::vector<ApprovalRule> rules{};  // the first that fits decides
  ApprovalAsker asker{};
  std::chrono::milliseconds time_limit{300'000};  // for an answer; none: denied
  std::shared_ptr<ApprovalMemory> memory{};       // of several runs; nothing: of this run
};

// What mode and rules say of a tool, without a person.
[[nodiscard]] ApprovalAction decide(const ApprovalPolicy& policy, const ToolDefinition& tool);

}  // namespace llama
