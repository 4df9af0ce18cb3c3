#include "answers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "corpus_source.h"

namespace llama::internal {
namespace {

constexpr std::size_t kSampleVectors = 1000;

// Without the name, which CorpusSource leaves empty.
Error without_name(Error error) {
  if (error.message.starts_with(": ")) error.message.erase(0, 2);
  return error;
}

}  // namespace

Answers::Raw Answers::raw_of(AwaitedText awaited, std::optional<RowResult> result) const {
  Raw raw{.digest = awaited.digest, .is_computed = result.has_value()};
  if (awaited.is_too_long) {
    raw.answer.truncated = true;
    raw.answer.tokens = static_cast<std::uint32_t>(parts_.model.max_sequence_length());
  } else if (awaited.known) {
    raw.answer.tokens = awaited.known->tokens;
    raw.answer.token_count = awaited.known->token_count;
    raw.answer.truncated = awaited.known->truncated;
    raw.vector = std::move(awaited.known->vector);
  } else if (!result) {
    raw.answer.failure = Error{ErrorCode::Internal, "the text was not answered"};
  } else if (!*result) {
    raw.answer.failure = without_name(std::move(result->error().error));
  } else {
    EmbeddingResult& good = **result;
    raw.answer.tokens = good.sequence_length;
    raw.answer.time_ms = good.processing_time_ms;
    raw.answer.truncated = good.truncated;
    raw.vector = std::move(good.embedding);
    if (!parts_.options.columns.token_count.empty() || parts_.vectors != nullptr) {
      raw.answer.token_count =
          good.truncated ? parts_.model.count_tokens(good.text).value_or(good.sequence_length) : good.sequence_length;
    }
  }
  return raw;
}

Result<void> Answers::take(std::vector<RowResult> results, std::vector<AwaitedText> awaited, std::uint64_t rows) {
  std::vector<Raw> raws;
  raws.reserve(awaited.size());
  auto next = results.begin();
  const auto number_of = [](const RowResult& result) { return result ? result->row : result.error().row; };
  for (AwaitedText& text : awaited) {
    std::optional<RowResult> result;
    if (!text.is_ready()) {
      while (next != results.end() && number_of(*next) == kWakeUp) ++next;
      if (next == results.end() || number_of(*next) != text.number)
        return fail(ErrorCode::Internal, "the stream left a text unanswered");
      result = std::move(*next++);
    }
    ++(text.is_ready() ? from_store_ : computed_);
    if (text.is_too_long) --from_store_;
    raws.push_back(raw_of(std::move(text), std::move(result)));
  }
  if (raws.empty()) return {};
  if (parts_.encoder.is_ready()) return keep(std::move(raws), rows);
  std::ranges::move(raws, std::back_inserter(sample_));
  const auto vectors = std::ranges::count_if(sample_, [](const Raw& raw) { return !raw.vector.empty(); });
  return std::cmp_greater_equal(vectors, kSampleVectors) ? end_sample(rows) : Result<void>();
}

Result<void> Answers::end_sample(std::uint64_t rows) {
  if (!parts_.encoder.is_ready()) {
    std::vector<std::vector<float>> vectors;
    for (const Raw& raw : sample_) {
      if (!raw.vector.empty() && vectors.size() < kSampleVectors) vectors.push_back(raw.vector);
    }
    parts_.encoder.take_scales_from(vectors);
    if (auto kept = parts_.texts.set(kScalesSetting, parts_.encoder.scales()); !kept) return kept;
  }
  return keep(std::exchange(sample_, {}), rows);
}

Result<void> Answers::keep(std::vector<Raw> raws, std::uint64_t rows) {
  window_.clear();
  window_begin_ = parts_.texts.answered() + 1;
  for (Raw& raw : raws) {
    if (!raw.vector.empty()) {
      if (auto encoded = parts_.encoder.encode(raw.vector)) {
        raw.answer.vector = std::move(*encoded);
      } else {
        raw.answer.failure = std::move(encoded.error());
      }
    }
    window_.push_back({.text = raw.digest, .answer = std::move(raw.answer)});
  }
  // First: what the journal knows is not computed again, so that its vector would never come into the store.
  if (auto kept = keep_vectors(std::move(raws)); !kept) return kept;
  return parts_.texts.add(window_, rows);
}

Result<void> Answers::keep_vectors(std::vector<Raw> raws) {
  if (parts_.vectors == nullptr) return {};
  for (std::size_t i = 0; i < raws.size(); ++i) {
    const TextAnswer& answer = window_[i].answer;
    if (!raws[i].is_computed || raws[i].vector.empty()) continue;
    parts_.vectors->insert(raws[i].digest, {.vector = std::move(raws[i].vector),
                                            .tokens = answer.tokens,
                                            .token_count = answer.token_count.value_or(answer.tokens),
                                            .truncated = answer.truncated});
  }
  return parts_.vectors->keep(parts_.sources.own());
}

Result<const TextAnswer*> Answers::find(TextNumber number) {
  if (number >= window_begin_ && number - window_begin_ < window_.size())
    return &window_[static_cast<std::size_t>(number - window_begin_)].answer;
  auto answer = parts_.texts.answer(number);
  if (!answer) return std::unexpected(answer.error());
  found_ = std::move(*answer);
  return &found_;
}

}  // namespace llama::internal
