#include "embed/dry_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "embed/dry_sample.h"
#include "embed/embed_output.h"
#include "embed/embed_settings.h"
#include "exit_status.h"
#include "llama-embedding/batch_processor.h"
#include "progress.h"

namespace llama {
namespace {

using Clock = std::chrono::steady_clock;
using Time = std::chrono::duration<double>;  // seconds

constexpr Time kComputing{5};
constexpr std::size_t kAtOnce = 64;  // texts of one measured step

struct Estimate {
  std::uint64_t rows = 0, rows_out = 0, distinct = 0, tokens = 0, truncated = 0, bytes = 0;
  double seconds = 0;
  bool is_exact = false;  // of rows, rows out and distinct texts
};

// Tokens of a second.
Step<double> measure(const Pieces& pieces, const SharedModel& model, std::int32_t batch_size,
                     const Interrupt& interrupt) {
  if (pieces.distinct.empty()) return 0;
  auto processor = BatchProcessor::create(model, batch_size);
  if (!processor) return stop_with(processor.error(), kUsageError);
  const std::span texts(pieces.distinct);
  // The first step packs the weights and is not counted.
  double computed = 0;
  auto started = Clock::now();
  for (std::size_t at = 0; at < texts.size() && Clock::now() - started < kComputing; at += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, texts.size() - at);
    auto results = processor->process_batch(texts.subspan(at, count), interrupt.token());
    if (!results) {
      if (results.error().code == ErrorCode::InvalidText) continue;
      return stop_with(results.error(), kModelError);
    }
    if (at == 0 && texts.size() > kAtOnce) {
      started = Clock::now();
      continue;
    }
    for (const EmbeddingResult& result : *results) computed += result.sequence_length;
  }
  return computed / std::max(1e-6, Time(Clock::now() - started).count());
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, whole));
}

Estimate estimate(const Sample& sample, const EmbedInput& input, const Pieces& pieces, const JobOptions& options,
                  std::uint64_t vector_size) {
  const auto whole = [](double number) { return static_cast<std::uint64_t>(std::llround(number)); };
  Estimate all;
  const bool has_all_texts = pieces.texts == sample.with_text;
  const bool is_cut = options.on_long != OnLong::Truncate;
  all.is_exact = sample.is_all && (is_cut ? has_all_texts : sample.distinct_of == sample.with_text);
  const std::uint64_t rows = sample.is_all ? sample.rows : rows_of_shard(input, options.shard).value_or(sample.rows);
  all.rows = static_cast<std::uint64_t>(static_cast<double>(rows) / input.share);
  const double scale = ratio(all.rows, sample.rows);
  const double texts = static_cast<double>(sample.with_text) * scale;
  const double of_text = ratio(pieces.pieces, pieces.texts);
  const double distinct_share = ratio(sample.distinct, sample.distinct_of);
  if (has_all_texts && sample.is_all) {
    all.distinct = pieces.distinct.size();
    all.tokens = pieces.distinct_tokens;
  } else {
    all.distinct = !is_cut && all.is_exact ? sample.distinct : whole(texts * distinct_share * of_text);
    all.tokens = whole(texts * distinct_share * ratio(pieces.tokens, pieces.texts));
  }
  const double with_vector = texts * of_text;
  // A row without one is written where it is asked for; a text too long that is to be left out is not.
  const double without = options.on_error == OnError::Null
                             ? static_cast<double>(all.rows) - texts +
                                   (options.on_long == OnLong::Error ? texts * ratio(pieces.too_long, pieces.texts) : 0)
                             : 0;
  all.rows_out = whole(with_vector + without);
  all.truncated = whole(texts * ratio(pieces.too_long, pieces.texts));
  // Vectors do not compress; text does, to about half.
  all.bytes =
      whole(with_vector * static_cast<double>(vector_size + 40) + static_cast<double>(sample.text_bytes) * scale / 2);
  return all;
}

void print(const Estimate& all, const Sample& sample, const Pieces& pieces, double rate, const JobOptions& options,
           const Console& console) {
  const std::string about = all.is_exact ? "" : "about ";
  const bool has_chunks = options.on_long == OnLong::Chunk;
  console.line("Rows: {}{}", sample.is_all ? "" : "about ", with_thousands(all.rows));
  if (has_chunks) {
    console.line("Chunks: {}{} ({:.1f} per text)", about, with_thousands(all.rows_out),
                 ratio(pieces.pieces, pieces.texts));
  } else if (all.rows_out != all.rows) {
    console.line("Rows out: {}{}", about, with_thousands(all.rows_out));
  }
  console.line("Distinct {}: {}{}", has_chunks ? "chunks" : "texts", about, with_thousands(all.distinct));
  console.line("Tokens: about {} ({:.0f} per {}; {:.1f}% of the texts {})", with_thousands(all.tokens),
               ratio(pieces.tokens, pieces.pieces), has_chunks ? "chunk" : "text",
               100 * ratio(pieces.too_long, pieces.texts),
               options.on_long == OnLong::Truncate || has_chunks ? "truncated" : "too long");
  console.line("Time: about {} ({} tokens/s)", format_duration(Time(all.seconds)),
               with_thousands(static_cast<std::uint64_t>(rate)));
  console.line("Size: about {}", format_size(all.bytes));
}

}  // namespace

Step<void> run_dry(const EmbedArguments& arguments, EmbedInput input, const std::optional<PromptTemplate>& given,
                   const Shard& shard, const SharedModel& model, const Interrupt& interrupt, const Console& console) {
  auto prompt = choose_prompt(arguments, given, *model);
  if (!prompt) return std::unexpected(prompt.error());
  if (auto allowed = check_dimensions(arguments, *model); !allowed) return std::unexpected(allowed.error());
  const JobOptions options = job_options(arguments, input, shard, choose_names(arguments, input).columns, *prompt);
  if (auto checked = check_embed_job(*model, options); !checked) return stop_with(checked.error(), kUsageError);
  if (!arguments.restart && !arguments.output.path.empty() && has_journal(arguments.output, shard))
    console.line("Note: the run would go on from an interrupted one; this is the whole of it");
  if (arguments.vector_store) console.line("Note: what the vector store has is not left out of this");
  auto sample = read_sample(options, input, interrupt);
  if (!sample) return std::unexpected(sample.error());
  const auto pieces = cut_sample(*sample, model, options);
  if (!pieces) return std::unexpected(pieces.error());
  const auto rate = measure(*pieces, model, arguments.batch_size, interrupt);
  if (!rate) return std::unexpected(rate.error());
  const VectorFormat& format = options.vectors;
  Estimate all = estimate(*sample, input, *pieces, options,
                          vector_bytes(format.element, format.dimensions.value_or(model->embedding_dimension())));
  if (*rate > 0) all.seconds = static_cast<double>(all.tokens) / *rate;
  print(all, *sample, *pieces, *rate, options, console);
  if (arguments.json) {
    const nlohmann::ordered_json line = {{"rows", all.rows},           {"rows_out", all.rows_out},
                                         {"distinct", all.distinct},   {"tokens", all.tokens},
                                         {"truncated", all.truncated}, {"seconds", all.seconds},
                                         {"output_bytes", all.bytes},  {"is_exact", all.is_exact}};
    if (auto printed = print_result(line.dump()); !printed) return stop_with(printed.error(), kOutputError);
  }
  return {};
}

}  // namespace llama
