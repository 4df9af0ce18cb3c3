#include "llama-corpus/chunker.h"

#include <algorithm>
#include <format>

#include "chunk_search.h"
#include "cut_places.h"
#include "natural_breaks.h"

namespace llama {
namespace {

using internal::ChunkSearch;
using internal::CutPlaces;
using internal::Fit;
using internal::NaturalBreaks;

constexpr std::size_t kShortBytesPerToken = 16;  // a text of fewer is counted whole first
constexpr int kOverlapRounds = 4;

class Chunker {
 public:
  Chunker(std::string_view text, ChunkLimits limits, std::int32_t overhead, CutPlaces places, NaturalBreaks breaks,
          const TokenCounter& count)
      : text_(text),
        limits_(limits),
        overhead_(overhead),
        places_(std::move(places)),
        breaks_(std::move(breaks)),
        search_(text, places_, limits.max_tokens, overhead, count) {}

  Result<std::vector<Chunk>> run();

 private:
  // Where a chunk that begins at `begin` ends: beyond `covered`, unless there is no room for that.
  Result<Fit> chunk_end(std::size_t begin, std::size_t covered);
  // Where the one after a chunk begins: so many tokens before its end, at a word where one begins near there.
  Result<std::size_t> next_begin(std::size_t begin, const Fit& chunk);
  void add(std::size_t begin, std::size_t end);

  std::string_view text_;
  ChunkLimits limits_;
  std::int32_t overhead_;
  CutPlaces places_;
  NaturalBreaks breaks_;
  ChunkSearch search_;
  std::vector<Chunk> chunks_;
};

std::uint64_t characters_in(std::string_view part) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(part, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void Chunker::add(std::size_t begin, std::size_t end) {
  const Chunk last = chunks_.empty() ? Chunk{} : chunks_.back();
  Chunk made{.begin = begin, .end = end};
  made.start_character = last.start_character + characters_in(text_.substr(last.begin, begin - last.begin));
  made.end_character = made.start_character + characters_in(text_.substr(begin, end - begin));
  chunks_.push_back(made);
}

Result<Fit> Chunker::chunk_end(std::size_t begin, std::size_t covered) {
  auto fit = search_.longest(begin);
  if (!fit || fit->end == text_.size() || fit->end <= covered) return fit;
  const std::size_t length = fit->end - begin;
  const std::pair<std::size_t, std::size_t> wished[] = {
      {breaks_.sentence_end(begin, fit->end), std::max(begin + length / 2, covered)},
      {breaks_.word_end(begin, fit->end), std::max(begin + length / 4, covered)},
  };
  for (const auto& [end, low] : wished) {
    const auto place = places_.at_or_before(end, low);
    if (!place) continue;
    if (*place == fit->end) return fit;
    const auto tokens = search_.count(begin, *place);
    if (!tokens) return std::unexpected(tokens.error());
    if (*tokens <= limits_.max_tokens) return Fit{*place, *tokens};
  }
  return fit;
}

Result<std::size_t> Chunker::next_begin(std::size_t begin, const Fit& chunk) {
  const std::size_t end = chunk.end;
  std::size_t best = end;
  if (limits_.overlap_tokens == 0) return best;
  const double bytes_per_token = static_cast<double>(end - begin) / std::max(chunk.tokens - overhead_, 1);
  double back = bytes_per_token * limits_.overlap_tokens;
  for (int round = 0; round < kOverlapRounds; ++round) {
    const std::size_t wanted = back >= static_cast<double>(end - begin) ? begin : end - static_cast<std::size_t>(back);
    const auto place = places_.at_or_after(std::max(wanted, begin + 1), end);
    if (!place) break;
    const auto counted = search_.count(*place, end);
    if (!counted) return std::unexpected(counted.error());
    const std::int32_t tokens = *counted - overhead_;
    if (tokens <= limits_.overlap_tokens) {
      best = std::min(best, *place);
      if (tokens >= limits_.overlap_tokens - limits_.overlap_tokens / 8 || wanted == begin) break;
      back = static_cast<double>(end - *place) * std::min(2.0, double(limits_.overlap_tokens) / std::max(tokens, 1));
    } else {
      back = static_cast<double>(end - *place) * limits_.overlap_tokens / tokens * 0.95;
    }
  }
  // The word that `best` stands in begins before it: the next one, where that is not far.
  if (best == end) return best;
  const std::size_t near = best + (end - best) / 4;
  const std::size_t word = breaks_.word_end(begin, near);
  const auto place = word > best ? places_.at_or_before(word, best) : std::nullopt;
  return place.value_or(best);
}

Result<std::vector<Chunk>> Chunker::run() {
  std::size_t covered = 0;
  for (std::size_t begin = 0;;) {
    auto chunk = chunk_end(begin, covered);
    if (!chunk) return std::unexpected(std::move(chunk.error()));
    if (chunk->end <= covered) {  // no room for more than the overlap
      begin = covered;
      continue;
    }
    add(begin, chunk->end);
    covered = chunk->end;
    if (covered == text_.size()) break;
    const auto next = next_begin(begin, *chunk);
    if (!next) return std::unexpected(next.error());
    begin = *next;
  }
  return std::move(chunks_);
}

}  // namespace

Result<std::vector<Chunk>> chunk_text(std::string_view text, ChunkLimits limits, const TokenCounter& count_tokens) {
  if (limits.max_tokens < 1)
    return fail(ErrorCode::InvalidArgument,
                std::format("chunks of {} tokens: 1 or more are needed", limits.max_tokens));
  if (limits.overlap_tokens < 0 || limits.overlap_tokens >= limits.max_tokens)
    return fail(ErrorCode::InvalidArgument, std::format("an overlap of {} tokens: it has to be below the chunk's {}",
                                                        limits.overlap_tokens, limits.max_tokens));
  const auto whole = [&] { return std::vector{Chunk{0, text.size(), 0, characters_in(text)}}; };
  if (text.empty()) return whole();
  if (text.size() / kShortBytesPerToken <= static_cast<std::size_t>(limits.max_tokens)) {
    const auto tokens = count_tokens(text);
    if (!tokens) return std::unexpected(tokens.error());
    if (*tokens <= limits.max_tokens) return whole();
  }
  // Not every tokenizer takes an empty part; then the first guesses are a little off.
  const std::int32_t overhead = std::max(count_tokens("").value_or(0), 0);
  auto clusters = internal::GraphemeMap::make(text);
  if (!clusters) return std::unexpected(std::move(clusters.error()));
  auto breaks = NaturalBreaks::make(text);
  if (!breaks) return std::unexpected(std::move(breaks.error()));
  return Chunker(text, limits, overhead, CutPlaces(text, std::move(*clusters)), std::move(*breaks), count_tokens).run();
}

}  // namespace llama
