#include "embed/dry_sample.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "exit_status.h"
#include "llama-base/blank_text.h"
#include "llama-corpus/chunker.h"

namespace llama {
namespace {

using SampleClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kMaxReading{10};  // then the rest is assumed to be like what was read
constexpr std::size_t kSample = 2'000;
constexpr std::size_t kMaxDistinct = 5'000'000;  // hashes that are remembered

class TextSampler {
 public:
  TextSampler(const JobOptions& options) : options_(options) {}

  void add(const Row& row) {
    if (!options_.shard.has(row.number)) return;
    ++sample_.rows;
    if (!row.cells) return;
    const std::span<const Cell> cells = *row.cells;
    std::string text;
    bool is_null = true;
    for (std::size_t i = 0; i < options_.text_columns; ++i) {
      if (!cells[i]) continue;
      if (!is_null) text += options_.join;
      text += *cells[i];
      is_null = false;
    }
    if (is_null || text.empty() || (options_.skips_blank && internal::is_blank(text))) return;
    sample_.text_bytes += text.size();
    ++sample_.with_text;
    const auto of_prompt = cells.subspan(options_.text_columns);
    if (seen_.size() < kMaxDistinct) {
      const std::string whole = options_.prompt ? options_.prompt->render(text, of_prompt) : text;
      sample_.distinct += seen_.insert(std::hash<std::string>{}(whole)).second ? 1 : 0;
      ++sample_.distinct_of;
    }
    // A reservoir: each text is in the sample with the same chance.
    std::size_t at = sample_.texts.size();
    if (at == kSample) at = std::uniform_int_distribution<std::uint64_t>(0, sample_.with_text - 1)(random_);
    if (at >= kSample) return;
    SampledText sampled{.text = std::move(text), .cells = {of_prompt.begin(), of_prompt.end()}};
    if (at == sample_.texts.size()) {
      sample_.texts.push_back(std::move(sampled));
    } else {
      sample_.texts[at] = std::move(sampled);
    }
  }
  [[nodiscard]] Sample take() && { return std::move(sample_); }

 private:
  const JobOptions& options_;
  std::unordered_set<std::size_t> seen_;
  std::mt19937_64 random_{1};
  Sample sample_;
};

class Cutter {
 public:
  Cutter(const EmbeddingModel& model, const JobOptions& options) : model_(model), options_(options) {}

  // Errors   as chunk_text().
  Result<void> add(const SampledText& sampled) {
    ++pieces_.texts;
    if (options_.on_long != OnLong::Chunk) {
      add_piece(sampled, sampled.text);
      return {};
    }
    const ChunkLimits limits{
        .max_tokens = options_.chunk_tokens > 0 ? options_.chunk_tokens : model_.max_sequence_length(),
        .overlap_tokens = options_.chunk_overlap};
    const auto count = [&](std::string_view part) -> Result<std::int32_t> {
      return model_.count_tokens(rendered(sampled, part)).transform([](std::size_t tokens) {
        return static_cast<std::int32_t>(std::min<std::size_t>(tokens, INT32_MAX));
      });
    };
    const auto chunks = chunk_text(sampled.text, limits, count);
    if (!chunks)
      return chunks.error().code == ErrorCode::InvalidText ? Result<void>() : std::unexpected(chunks.error());
    for (const Chunk& chunk : *chunks)
      add_piece(sampled, std::string_view(sampled.text).substr(chunk.begin, chunk.end - chunk.begin));
    return {};
  }
  [[nodiscard]] Pieces take() && { return std::move(pieces_); }

 private:
  [[nodiscard]] std::string rendered(const SampledText& sampled, std::string_view part) const {
    return options_.prompt ? options_.prompt->render(part, sampled.cells) : std::string(part);
  }
  void add_piece(const SampledText& sampled, std::string_view part) {
    std::string text = rendered(sampled, part);
    const auto tokenized = model_.tokenize(text);
    if (!tokenized) return;
    pieces_.too_long += tokenized->truncated ? 1 : 0;
    if (tokenized->truncated && (options_.on_long == OnLong::Error || options_.on_long == OnLong::Skip)) return;
    ++pieces_.pieces;
    pieces_.tokens += tokenized->tokens.size();
    if (!seen_.insert(std::hash<std::string>{}(text)).second) return;
    pieces_.distinct_tokens += tokenized->tokens.size();
    pieces_.distinct.push_back(std::move(text));
  }
  const EmbeddingModel& model_;
  const JobOptions& options_;
  std::unordered_set<std::size_t> seen_;
  Pieces pieces_;
};

}  // namespace

Step<Sample> read_sample(const JobOptions& options, const EmbedInput& input, const Interrupt& interrupt) {
  TextSampler sampler(options);
  const auto started = SampleClock::now();
  for (;;) {
    auto batch = input.reader->next(interrupt.token());
    if (!batch) return stop_with(batch.error(), kInputError);
    for (const Row& row : batch->rows) sampler.add(row);
    const bool ends = batch->state == RowState::End;
    if (ends || SampleClock::now() - started > kMaxReading) {
      Sample sample = std::move(sampler).take();
      sample.is_all = ends && input.share == 1;
      return sample;
    }
  }
}

Step<Pieces> cut_sample(Sample& sample, const SharedModel& model, const JobOptions& options) {
  std::ranges::shuffle(sample.texts, std::mt19937_64{1});
  Cutter cutter(*model, options);
  const auto started = SampleClock::now();
  for (const SampledText& text : sample.texts) {
    if (auto added = cutter.add(text); !added) return stop_with(added.error(), kUsageError);
    if (SampleClock::now() - started > kMaxReading) break;
  }
  return std::move(cutter).take();
}

}  // namespace llama
