#include "chunk_search.h"

#include <algorithm>
#include <format>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

constexpr int kPatientRounds = 8;  // then half a chunk is enough,
constexpr int kMaxRounds = 24;     // and then any

}  // namespace

// What is known of the parts that begin at `begin`.
struct ChunkSearch::Bracket {
  std::size_t begin = 0, until = 0;
  std::size_t fits = 0;  // the longest that fits ends here; `begin`: none so far
  std::int32_t fits_tokens = 0;
  std::optional<std::size_t> fails;  // the shortest that does not
  std::int32_t fails_tokens = 0;
  int rounds = 0;
};

std::size_t ChunkSearch::next_guess(const Bracket& known) const {
  const std::int32_t target = max_tokens_ - max_tokens_ / 32;
  const auto scaled = [](std::size_t bytes, std::int64_t wanted, std::int64_t had) {
    return static_cast<std::size_t>(static_cast<double>(bytes) *
                                    static_cast<double>(std::max<std::int64_t>(wanted, 1)) /
                                    static_cast<double>(std::max<std::int64_t>(had, 1)));
  };
  const std::size_t length = known.fits - known.begin;
  if (!known.fails) {
    const std::size_t wanted = scaled(length, target - overhead_, known.fits_tokens - overhead_);
    const std::size_t guess = known.begin + std::clamp(wanted, length + length / 8 + 16, length * 4 + 64);
    // No chunk of a few last words where they may fit as well.
    return guess >= known.until || known.until - guess < (guess - known.begin) / 8 ? known.until : guess;
  }
  const std::size_t gap = *known.fails - known.fits;
  if (known.rounds % 4 == 3) return known.fits + gap / 2;
  const std::int32_t low = std::max(known.fits_tokens, overhead_);
  const std::size_t step = scaled(gap, target - low, known.fails_tokens - low);
  return known.fits + std::clamp(step, gap / 16 + 1, gap - gap / 16);
}

bool ChunkSearch::is_good_enough(const Bracket& known, bool to_the_limit) const {
  if (known.fits == known.until) return true;
  if (known.fits == known.begin || (to_the_limit && !known.fails)) return false;
  const std::int32_t enough = known.rounds < kPatientRounds ? max_tokens_ - std::max(max_tokens_ / 16, 1)
                              : known.rounds < kMaxRounds   ? max_tokens_ / 2
                                                            : 0;
  return known.fits_tokens >= enough;
}

Result<Fit> ChunkSearch::search(std::size_t begin, std::size_t until, bool to_the_limit) {
  Bracket known{.begin = begin, .until = until, .fits = begin, .fits_tokens = overhead_, .fails = std::nullopt};
  std::size_t guess = std::min(begin + window_bytes_, until);
  if (until - guess < window_bytes_ / 8) guess = until;
  for (; !is_good_enough(known, to_the_limit); ++known.rounds) {
    const std::size_t far = to_the_limit ? until : std::min(guess + window_bytes_ + 4096, until);
    const auto end = places_.near(guess, known.fits, known.fails.value_or(far + 1));
    if (!end) break;
    const auto tokens = count(begin, *end);
    if (!tokens) return std::unexpected(tokens.error());
    if (*tokens <= max_tokens_) {
      known.fits = *end;
      known.fits_tokens = *tokens;
    } else {
      known.fails = end;
      known.fails_tokens = *tokens;
    }
    guess = next_guess(known);
  }
  if (known.fits > begin) {
    const std::size_t length = known.fits - begin;
    const double share = static_cast<double>(max_tokens_) / std::max(known.fits_tokens, 1);
    window_bytes_ = std::clamp(static_cast<std::size_t>(static_cast<double>(length) * std::min(share, 2.0)),
                               std::size_t{16}, length * 2 + 64);
  }
  return Fit{known.fits, known.fits_tokens};
}

std::unexpected<Error> ChunkSearch::no_room(std::size_t begin) const {
  const std::size_t length = decode(text_, begin).length;
  const auto tokens = count(begin, begin + length);
  if (!tokens) return std::unexpected(tokens.error());
  return fail(ErrorCode::InvalidArgument,
              std::format("chunks of {} tokens have no room for the character '{}': with the prompt and the special "
                          "tokens it has {}",
                          max_tokens_, text_.substr(begin, length), *tokens));
}

Result<Fit> ChunkSearch::longest(std::size_t begin) {
  const bool is_first = begin == 0;  // a text that fits is one chunk
  if (!places_.is_open(begin) && !places_.has_short_cluster(begin, window_bytes_)) {
    // A cluster of more bytes than a chunk had so far may fit all the same: looked at from within.
    places_.open_cluster(begin);
    const auto fit = search(begin, places_.open_until(), true);
    if (!fit) return fit;
    if (fit->end == begin) return no_room(begin);
    if (fit->end < places_.open_until()) return fit;
    places_.close_cluster();
  }
  for (const bool is_last_try : {places_.is_open(begin), true}) {
    const auto fit = search(begin, text_.size(), is_first);
    if (!fit || fit->end > begin) return fit;
    if (is_last_try) break;
    places_.open_cluster(begin);
  }
  return no_room(begin);
}

}  // namespace llama::internal
