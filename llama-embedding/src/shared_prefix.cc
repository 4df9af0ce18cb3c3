#include "shared_prefix.h"

#include <algorithm>
#include <ranges>

namespace llama::internal {
namespace {

// A shorter prefix is not worth it.
constexpr std::size_t kMinSharedTokens = 4;
// What sharing has to save of all tokens: at 15 % it was as much faster, at 7 % no longer (doc/performance.md), and
// dividing the texts may cost a pass that is not full.
constexpr double kMinSavedShare = 0.1;

using Texts = std::span<const std::span<const Token>>;

std::size_t common_prefix(Texts texts, std::span<const std::size_t> group) {
  if (group.size() < 2) return 0;
  const std::span<const Token> first = texts[group.front()];
  std::size_t prefix = first.size();
  for (const std::size_t i : group) {
    if (texts[i].empty()) return 0;
    prefix = std::min(prefix, texts[i].size() - 1);  // a token of its own
    const auto shown = first.first(prefix);
    prefix = static_cast<std::size_t>(std::ranges::mismatch(shown, texts[i]).in1 - shown.begin());
  }
  return prefix < kMinSharedTokens ? 0 : prefix;
}

std::size_t longest_of(Texts texts, std::span<const std::size_t> group) {
  std::size_t longest = 0;
  for (const std::size_t i : group) longest = std::max(longest, texts[i].size());
  return longest;
}

}  // namespace

std::vector<PrefixGroup> group_by_prefix(Texts texts, const std::function<bool(std::size_t longest)>& may_share) {
  PrefixGroup brief, lengthy, all;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    (texts[i].size() < kRoundedLength ? brief : lengthy).texts.push_back(i);
    all.texts.push_back(i);
    tokens += texts[i].size();
  }
  brief.prefix = common_prefix(texts, brief.texts);
  lengthy.prefix = common_prefix(texts, lengthy.texts);
  if (lengthy.prefix < kRoundedLength) lengthy.prefix = 0;
  std::vector<PrefixGroup> groups;
  std::size_t saved = 0;
  for (PrefixGroup* group : {&lengthy, &brief}) {
    if (group->prefix > 0 && !may_share(longest_of(texts, group->texts))) group->prefix = 0;
    if (group->prefix > 0) saved += group->prefix * (group->texts.size() - 1);
    if (!group->texts.empty()) groups.push_back(std::move(*group));
  }
  if (saved == 0 || static_cast<double>(saved) < kMinSavedShare * static_cast<double>(tokens)) return {std::move(all)};
  return groups;
}

std::size_t budget_beside(std::size_t prefix, std::size_t budget) {
  return std::max(budget - std::min(prefix, budget), (budget + 1) / 2);
}

}  // namespace llama::internal
