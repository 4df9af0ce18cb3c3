#include "call_dependencies.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "call_references.h"
#include "call_resources.h"
#include "tool_text.h"

namespace llama::internal {
namespace {

std::string pair_reason(std::span<const ToolConflict> pairs, const CallToPlan& a, const CallToPlan& b) {
  for (const auto& pair : pairs) {
    const bool is_it = (fits_pattern(pair.first, a.full_name) && fits_pattern(pair.second, b.full_name)) ||
                       (fits_pattern(pair.first, b.full_name) && fits_pattern(pair.second, a.full_name));
    if (is_it)
      return pair.reason.empty() ? std::format("'{}' and '{}' must not run at once", pair.first, pair.second)
                                 : pair.reason;
  }
  return {};
}

// Kahn's, the smallest number first. What is in a circle, or needs it, is not in it.
std::vector<std::size_t> reference_order(const std::vector<std::vector<std::size_t>>& needs) {
  std::vector<std::size_t> order;
  std::vector<bool> is_placed(needs.size());
  for (bool found = true; found;) {
    found = false;
    for (std::size_t i = 0; i < needs.size() && !found; ++i) {
      if (is_placed[i] || !std::ranges::all_of(needs[i], [&](std::size_t n) { return is_placed[n]; })) continue;
      is_placed[i] = found = true;
      order.push_back(i);
    }
  }
  return order;
}

}  // namespace

std::optional<std::size_t> call_named(std::span<const CallToPlan> calls, std::string_view name) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!calls[i].id.empty() && calls[i].id == name) return i;
  }
  std::optional<std::size_t> found;
  int count = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].name != name) continue;
    found = i;
    ++count;
  }
  if (count == 1) return found;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = error == std::errc() && end == name.data() + name.size();
  if (count == 0 && is_number && number >= 1 && number <= calls.size()) return number - 1;
  return std::nullopt;
}

CallPlan plan_calls(std::span<const CallToPlan> calls, const ParallelConfig& config) {
  CallPlan plan{.waits = std::vector<std::vector<CallWait>>(calls.size()),
                .problems = std::vector<std::string>(calls.size())};
  std::vector<std::vector<std::size_t>> needs(calls.size());
  const auto named = [&](std::string_view name) { return call_named(calls, name); };
  for (std::size_t i = 0; config.references && i < calls.size(); ++i) {
    if (calls[i].is_refused) continue;
    needs[i] = referenced_calls(calls[i].arguments, named);
    for (const std::size_t n : needs[i]) {
      plan.waits[i].push_back({n, true, std::format("it needs the result of call {}, {}", n + 1, calls[n].name)});
    }
  }
  const auto order = reference_order(needs);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (std::ranges::contains(order, i)) continue;
    plan.waits[i].clear();
    plan.problems[i] = "its arguments need results that need its own, in a circle";
  }
  std::vector<CallAccess> accesses;
  for (const auto& call : calls) {
    accesses.push_back(access_of(call.definition, call.full_name, call.arguments, config.resources));
  }
  for (std::size_t later = 0; later < order.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const std::size_t a = order[earlier], b = order[later];
      if (calls[a].is_refused || calls[b].is_refused || std::ranges::contains(needs[b], a)) continue;
      std::string reason = pair_reason(config.conflicts, calls[a], calls[b]);
      if (reason.empty()) reason = pair_reason(config.never_parallel, calls[a], calls[b]);
      if (reason.empty()) {
        reason = conflict_of(accesses[a], calls[a].definition.server, accesses[b], calls[b].definition.server);
      }
      if (!reason.empty()) plan.waits[b].push_back({a, false, std::move(reason)});
    }
  }
  return plan;
}

std::vector<std::vector<std::size_t>> CallPlan::waves() const {
  std::vector<int> wave(waits.size(), -1);
  for (std::size_t pass = 0; pass < waits.size(); ++pass) {
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (wave[i] >= 0 || !problems[i].empty()) continue;
      int own = 0;
      for (const auto& wait : waits[i]) {
        if (!problems[wait.call].empty()) continue;
        own = wave[wait.call] < 0 || own < 0 ? -1 : std::max(own, wave[wait.call] + 1);
      }
      wave[i] = own;
    }
  }
  std::vector<std::vector<std::size_t>> found;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    if (wave[i] < 0) continue;
    found.resize(std::max(found.size(), static_cast<std::size_t>(wave[i]) + 1));
    found[static_cast<std::size_t>(wave[i])].push_back(i);
  }
  return found;
}

}  // namespace llama::internal
