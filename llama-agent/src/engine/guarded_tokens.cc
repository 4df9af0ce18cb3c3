#include "guarded_tokens.h"

#include <algorithm>
#include <utility>

namespace llama::internal {

void GuardedTokens::add(VocabularyEntry entry, std::string_view template_source) {
  const bool is_special = entry.kind == TokenKind::Control || entry.kind == TokenKind::Unknown;
  const bool is_marker = entry.kind == TokenKind::UserDefined && entry.text.size() > 2 &&
                         (entry.text.front() == '<' || entry.text.front() == '[') &&
                         template_source.contains(entry.text);
  if (entry.text.size() < 2 || !(is_special || is_marker)) return;
  lengths_.insert(entry.text.size());
  begins_[static_cast<unsigned char>(entry.text.front())] = true;
  names_.emplace(std::move(entry.text), is_marker);
}

std::vector<GuardedPiece> GuardedTokens::in(std::span<const PromptPiece> pieces) const {
  std::vector<GuardedPiece> guarded(pieces.size());
  const std::string text = joined(pieces);
  std::size_t piece = 0, piece_begin = 0;  // that the byte lies in
  for (std::size_t at = 0; at < text.size(); ++at) {
    while (at >= piece_begin + pieces[piece].text.size()) piece_begin += pieces[piece++].text.size();
    if (!begins_[static_cast<unsigned char>(text[at])]) continue;
    for (const std::size_t length : lengths_) {
      if (at + length > text.size()) break;
      const auto found = names_.find(text.substr(at, length));
      if (found == names_.end()) continue;
      // Every piece from outside that it touches is cut out.
      std::size_t begin = piece_begin;
      for (std::size_t i = piece; i < pieces.size() && begin < at + length; begin += pieces[i++].text.size()) {
        if (!pieces[i].from_caller || pieces[i].text.empty()) continue;
        guarded[i].is_cut_out = true;
        const std::size_t cut = at + 1;
        if (found->second && cut > begin && cut < begin + pieces[i].text.size()) guarded[i].cuts.push_back(cut - begin);
      }
    }
  }
  for (auto& one : guarded) one.cuts.erase(std::ranges::unique(one.cuts).begin(), one.cuts.end());
  return guarded;
}

}  // namespace llama::internal
