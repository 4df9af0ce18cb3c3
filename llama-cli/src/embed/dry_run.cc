#include "embed/dry_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <random>
#include <unordered_set>

#include "embed/embed_output.h"
#include "embed/embed_settings.h"
#include "exit_status.h"
#include "llama-embedding/batch_processor.h"
#include "progress.h"

namespace llama {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kMaxReading{10};  // then the rest is assumed to be like what was read
constexpr Seconds kComputing{5};
constexpr std::size_t kSample = 2'000;           // texts, spread evenly over what was read
constexpr std::size_t kMaxDistinct = 5'000'000;  // hashes that are remembered
constexpr std::size_t kAtOnce = 64;              // texts of one measured step

struct Sample {
  std::vector<std::string> texts;
  std::uint64_t rows = 0, with_text = 0, text_bytes = 0;
  std::uint64_t distinct = 0, distinct_of = 0;  // of the first texts
  bool is_all = false;
};

struct Estimate {
  std::uint64_t rows = 0, distinct = 0, tokens = 0, truncated = 0, bytes = 0;
  double seconds = 0;
  bool is_exact = false;  // of rows and distinct texts
};

class Sampler {
 public:
  Sampler(const EmbedArguments& arguments, const EmbedInput& input, const std::optional<PromptTemplate>& prompt)
      : join_(arguments.input.join.value_or(" ")), columns_(input.text_columns), prompt_(prompt) {}

  void add(const Row& row) {
    ++sample_.rows;
    if (!row.cells) return;
    const std::span<const Cell> cells = *row.cells;
    std::string text;
    bool is_null = true;
    for (std::size_t i = 0; i < columns_; ++i) {
      if (!cells[i]) continue;
      if (!is_null) text += join_;
      text += *cells[i];
      is_null = false;
    }
    if (is_null || text.empty()) return;
    sample_.text_bytes += text.size();
    ++sample_.with_text;
    if (prompt_) text = prompt_->render(text, cells.subspan(columns_));
    if (seen_.size() < kMaxDistinct) {
      sample_.distinct += seen_.insert(std::hash<std::string>{}(text)).second ? 1 : 0;
      ++sample_.distinct_of;
    }
    // A reservoir: each text is in the sample with the same chance.
    if (sample_.texts.size() < kSample) {
      sample_.texts.push_back(std::move(text));
    } else if (const auto at = std::uniform_int_distribution<std::uint64_t>(0, sample_.with_text - 1)(random_);
               at < kSample) {
      sample_.texts[at] = std::move(text);
    }
  }
  [[nodiscard]] Sample take() && { return std::move(sample_); }

 private:
  std::string join_;
  std::size_t columns_;
  const std::optional<PromptTemplate>& prompt_;
  std::unordered_set<std::size_t> seen_;
  std::mt19937_64 random_{1};
  Sample sample_;
};

Step<Sample> read_sample(const EmbedArguments& arguments, const EmbedInput& input,
                         const std::optional<PromptTemplate>& prompt, const Interrupt& interrupt) {
  Sampler sampler(arguments, input, prompt);
  const auto started = Clock::now();
  for (;;) {
    auto batch = input.reader->next(interrupt.token());
    if (!batch) return stop_with(batch.error(), kInputError);
    for (const Row& row : batch->rows) sampler.add(row);
    const bool ends = batch->state == RowState::End;
    if (ends || Clock::now() - started > kMaxReading) {
      Sample sample = std::move(sampler).take();
      sample.is_all = ends && input.share == 1;
      return sample;
    }
  }
}

struct Rate {
  double tokens = 0, truncated = 0;  // of one text
  double tokens_per_second = 0;
};

Step<Rate> measure(Sample& sample, const SharedModel& model, std::int32_t batch_size, const Interrupt& interrupt) {
  Rate rate;
  if (sample.texts.empty()) return rate;
  std::ranges::shuffle(sample.texts, std::mt19937_64{1});
  double tokens = 0, truncated = 0;
  for (const std::string& text : sample.texts) {
    const auto tokenized = model->tokenize(text);
    if (!tokenized) continue;
    tokens += static_cast<double>(tokenized->tokens.size());
    truncated += tokenized->truncated ? 1 : 0;
  }
  rate.tokens = tokens / static_cast<double>(sample.texts.size());
  rate.truncated = truncated / static_cast<double>(sample.texts.size());

  auto processor = BatchProcessor::create(model, batch_size);
  if (!processor) return stop_with(processor.error(), kUsageError);
  // The first step packs the weights and is not counted.
  double computed = 0;
  auto started = Clock::now();
  for (std::size_t at = 0; at < sample.texts.size() && Clock::now() - started < kComputing; at += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, sample.texts.size() - at);
    auto results = processor->process_batch(std::span(sample.texts).subspan(at, count), interrupt.token());
    if (!results) {
      if (results.error().code == ErrorCode::InvalidText) continue;
      return stop_with(results.error(), kModelError);
    }
    if (at == 0 && sample.texts.size() > kAtOnce) {
      started = Clock::now();
      continue;
    }
    for (const EmbeddingResult& result : *results) computed += result.sequence_length;
  }
  rate.tokens_per_second = computed / std::max(1e-6, Seconds(Clock::now() - started).count());
  return rate;
}

Estimate estimate(const Sample& sample, const EmbedInput& input, const Rate& rate, std::uint64_t vector_size) {
  Estimate all;
  all.is_exact = sample.is_all && sample.distinct_of == sample.with_text;
  const std::uint64_t rows = sample.is_all ? sample.rows : input.rows.value_or(sample.rows);
  all.rows = static_cast<std::uint64_t>(static_cast<double>(rows) / input.share);
  const double scale = static_cast<double>(all.rows) / static_cast<double>(std::max<std::uint64_t>(1, sample.rows));
  const double texts = static_cast<double>(sample.with_text) * scale;
  const double distinct_share =
      static_cast<double>(sample.distinct) / static_cast<double>(std::max<std::uint64_t>(1, sample.distinct_of));
  all.distinct = all.is_exact ? sample.distinct : static_cast<std::uint64_t>(texts * distinct_share);
  all.tokens = static_cast<std::uint64_t>(texts * distinct_share * rate.tokens);
  all.truncated = static_cast<std::uint64_t>(texts * rate.truncated);
  if (rate.tokens_per_second > 0) all.seconds = static_cast<double>(all.tokens) / rate.tokens_per_second;
  // Vectors do not compress; text does, to about half.
  all.bytes = static_cast<std::uint64_t>(texts * static_cast<double>(vector_size + 40) +
                                         static_cast<double>(sample.text_bytes) * scale / 2);
  return all;
}

void print(const Estimate& all, const Sample& sample, const Rate& rate, const Console& console) {
  const std::string about = all.is_exact ? "" : "about ";
  console.line("Rows: {}{}", sample.is_all ? "" : "about ", with_thousands(all.rows));
  console.line("Distinct texts: {}{}", about, with_thousands(all.distinct));
  console.line("Tokens: about {} ({:.0f} per text; {:.1f}% of the texts truncated)", with_thousands(all.tokens),
               rate.tokens, rate.truncated * 100);
  console.line("Time: about {} ({} tokens/s)", format_duration(Seconds(all.seconds)),
               with_thousands(static_cast<std::uint64_t>(rate.tokens_per_second)));
  console.line("Size: about {}", format_size(all.bytes));
}

}  // namespace

Step<void> run_dry(const EmbedArguments& arguments, EmbedInput input, const std::optional<PromptTemplate>& given,
                   const SharedModel& model, const Interrupt& interrupt, const Console& console) {
  auto prompt = choose_prompt(arguments, given, *model);
  if (!prompt) return std::unexpected(prompt.error());
  auto sample = read_sample(arguments, input, *prompt, interrupt);
  if (!sample) return std::unexpected(sample.error());
  const auto rate = measure(*sample, model, arguments.batch_size, interrupt);
  if (!rate) return std::unexpected(rate.error());
  const VectorFormat format = choose_vectors(arguments.output);
  const Estimate all = estimate(*sample, input, *rate,
                                vector_bytes(format.element, format.dimensions.value_or(model->embedding_dimension())));
  print(all, *sample, *rate, console);
  if (arguments.json) {
    const nlohmann::ordered_json line = {
        {"rows", all.rows},       {"distinct", all.distinct},  {"tokens", all.tokens},    {"truncated", all.truncated},
        {"seconds", all.seconds}, {"output_bytes", all.bytes}, {"is_exact", all.is_exact}};
    if (auto printed = print_result(line.dump()); !printed) return stop_with(printed.error(), kOutputError);
  }
  return {};
}

}  // namespace llama
