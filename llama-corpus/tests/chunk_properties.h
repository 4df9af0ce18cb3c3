// Say what is wrong with the chunks of a text; nothing where all is right.
#pragma once

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <format>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "llama-corpus/chunker.h"

namespace llama {

// Where clusters begin, by ICU alone, from the text's first byte to its last.
inline std::set<std::size_t> cluster_boundaries(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  UText opened = UTEXT_INITIALIZER;
  utext_openUTF8(&opened, text.data(), static_cast<std::int64_t>(text.size()), &status);
  const std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  clusters->setText(&opened, status);
  std::set<std::size_t> found = {0, text.size()};
  for (std::int32_t at = clusters->next(); at != icu::BreakIterator::DONE; at = clusters->next())
    found.insert(static_cast<std::size_t>(at));
  utext_close(&opened);
  return found;
}

// count: that of the tokenizer. has_order: whether a longer part never has fewer tokens; without, a cluster that fits
// may still be cut.
inline std::string wrong_with(std::string_view text, const std::vector<Chunk>& chunks, ChunkLimits limits,
                              std::int32_t (*count)(std::string_view), bool has_order) {
  const auto clusters = cluster_boundaries(text);
  const auto is_cut_rightly = [&](std::size_t at) {
    if (clusters.contains(at)) return true;
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) return false;
    const auto next = clusters.upper_bound(at);
    const std::size_t begin = *std::prev(next);
    return !has_order || count(text.substr(begin, *next - begin)) > limits.max_tokens;
  };
  const auto characters = [&](std::size_t at) {
    std::uint64_t found = 0;
    for (const char c : text.substr(0, at)) found += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    return found;
  };
  if (chunks.empty()) return "there are none";
  if (chunks.front().begin != 0) return "the text's beginning is missing";
  if (chunks.back().end != text.size()) return "the text's end is missing";
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const Chunk& chunk = chunks[i];
    const auto said = [&](std::string_view what) {
      return std::format("chunk {} of {} ({} to {}): {}", i, chunks.size(), chunk.begin, chunk.end, what);
    };
    if (chunk.end > text.size() || (chunk.begin >= chunk.end && !text.empty())) return said("is empty or outside");
    if (count(text.substr(chunk.begin, chunk.end - chunk.begin)) > limits.max_tokens)
      return said("has too many tokens");
    if (!is_cut_rightly(chunk.begin) || !is_cut_rightly(chunk.end)) return said("cuts a character");
    if (chunk.start_character != characters(chunk.begin) || chunk.end_character != characters(chunk.end))
      return said("has wrong characters");
    if (i == 0) continue;
    const Chunk& last = chunks[i - 1];
    if (limits.overlap_tokens == 0 && chunk.begin != last.end) return said("does not begin where the last one ends");
    if (chunk.begin > last.end || chunk.begin <= last.begin || chunk.end <= last.end) return said("leaves a gap");
  }
  return "";
}

}  // namespace llama
