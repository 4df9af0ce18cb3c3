#include "llama-corpus/embed_job.h"

#include <algorithm>
#include <format>
#include <utility>

#include "../store/journal.h"
#include "answers.h"
#include "calibration.h"
#include "corpus_source.h"
#include "job_settings.h"
#include "llama-embedding/batch_processor.h"
#include "progress_meter.h"
#include "row_output.h"
#include "row_queue.h"
#include "vector_sources.h"

namespace llama {
namespace {

using internal::Answers;
using internal::CorpusSource;
using internal::Journal;
using internal::ProgressMeter;
using internal::RowOutput;
using internal::RowQueue;
using internal::TextNumber;
using internal::TextStore;
using internal::VectorEncoder;
using internal::VectorSources;

// What a job knows of its texts, wherever that lies.
struct Knowledge {
  std::optional<Journal> journal;
  std::unique_ptr<TextStore> unnamed;
  std::optional<VectorStore> vectors;
  [[nodiscard]] TextStore& texts() { return journal ? journal->texts() : *unnamed; }
  [[nodiscard]] VectorStore* vector_store() { return vectors ? &*vectors : nullptr; }
};

Result<Knowledge> open_knowledge(const EmbeddingModel& model, const RowReader& reader, const JobOptions& options) {
  Knowledge knowledge;
  if (options.vector_store) {
    auto vectors = VectorStore::open(*options.vector_store, vector_settings(model), model.embedding_dimension());
    if (!vectors) return std::unexpected(vectors.error());
    knowledge.vectors = std::move(*vectors);
  }
  if (options.journal) {
    auto binding = internal::binding_of(model, reader.identity(), options);
    if (options.vectors.element == VectorElement::Int8 && options.vectors.calibration) {
      auto digest = calibration_digest(*options.vectors.calibration, options.stop);
      if (!digest) return std::unexpected(digest.error());
      binding.settings.emplace_back("calibration texts", std::move(*digest));
    }
    auto journal = Journal::open(*options.journal, binding, options.restarts);
    if (!journal) return std::unexpected(journal.error());
    knowledge.journal = std::move(*journal);
  } else {
    auto unnamed = TextStore::open_unnamed(options.scratch_folder);
    if (!unnamed) return std::unexpected(unnamed.error());
    knowledge.unnamed = std::move(*unnamed);
  }
  return knowledge;
}

// What is done stays in the journal, and whoever is to go on is told; where nothing is, no journal is left.
void end_early(Knowledge& knowledge, bool is_useless, const JobOptions& options) {
  if (!knowledge.journal) return;
  if (is_useless) {
    static_cast<void>(knowledge.journal->remove());
  } else if (options.on_break) {
    options.on_break(knowledge.texts().rows().value_or(0));
  }
}

// Int8 scales that are known before the first text: those of an interrupted run, else from the calibration file.
Result<void> find_scales(const std::shared_ptr<const EmbeddingModel>& model, const JobOptions& options,
                         TextStore& texts, VectorEncoder& encoder) {
  if (encoder.is_ready()) return {};
  const auto known = texts.setting(internal::kScalesSetting);
  if (!known) return std::unexpected(known.error());
  if (*known && encoder.read_scales(**known)) return {};
  if (!options.vectors.calibration) return {};
  const auto vectors = internal::calibration_vectors(model, *options.vectors.calibration, options);
  if (!vectors) return std::unexpected(vectors.error());
  encoder.take_scales_from(*vectors);
  return texts.set(internal::kScalesSetting, encoder.scales());
}

// The thread that computes and writes: windows of answers come from the stream, and go through the store into rows.
class EmbedJob {
 public:
  EmbedJob(const JobOptions& options, Knowledge& knowledge, VectorSources& sources, RowQueue& queue, Answers& answers,
           RowOutput& output)
      : options_(options),
        knowledge_(knowledge),
        sources_(sources),
        queue_(queue),
        answers_(answers),
        output_(output) {}

  [[nodiscard]] Result<void> run(EmbeddingStream& stream, ProgressMeter& progress) {
    for (;;) {
      auto results = stream.next_rows();
      if (!results) return break_off(results.error());
      if (results->empty()) break;
      auto taken = sources_.note(stream.statistics().device).and_then([&] { return take(std::move(*results)); });
      if (!taken) {
        static_cast<void>(keep_vectors());
        return taken;
      }
      progress.after_window(stream.statistics());
    }
    return end().and_then([&] { return keep_vectors(); });
  }

 private:
  [[nodiscard]] Result<void> take(std::vector<RowResult> results) {
    TextNumber last = 0;
    for (const RowResult& result : results) {
      const std::uint64_t number = result ? result->row : result.error().row;
      if (number != internal::kWakeUp) last = number;
    }
    auto texts = queue_.take_texts(last);
    if (!texts.empty()) last_answered_ = texts.back().number;
    if (auto taken = answers_.take(std::move(results), std::move(texts), rows_answered()); !taken) return taken;
    // Decided when everything that was handed out is answered: the sample depends on the input and not on the time.
    if (answers_.is_sampling() && queue_.is_stuck() && !queue_.has_texts()) {
      if (auto ended = answers_.end_sample(rows_answered()); !ended) return ended;
    }
    return write_rows();
  }

  [[nodiscard]] Result<void> write_rows() {
    while (auto rows = queue_.take_rows(knowledge_.texts().answered())) {
      if (options_.stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
      if (auto written = output_.write(*rows); !written) return written;
      if (rows->forgotten > 0) {
        if (auto forgotten = knowledge_.texts().forget(rows->forgotten); !forgotten) return forgotten;
      }
    }
    return {};
  }

  [[nodiscard]] Result<void> end() {
    if (auto taken = take({}); !taken) return taken;
    if (answers_.is_sampling()) {
      if (auto ended = answers_.end_sample(rows_answered()); !ended) return ended;
    }
    if (auto written = write_rows(); !written) return written;
    return queue_.is_empty() ? Result<void>() : fail(ErrorCode::Internal, "rows were left unanswered");
  }

  // Once the answers that are there are kept.
  [[nodiscard]] std::uint64_t rows_answered() const {
    return output_.counts().rows_in + queue_.count_rows(last_answered_);
  }

  [[nodiscard]] Result<void> keep_vectors() {
    return knowledge_.vectors ? knowledge_.vectors->flush() : Result<void>();
  }

  // What was computed is kept. Where the input broke off, the rows before are written: a stream's reader may use them.
  [[nodiscard]] std::unexpected<Error> break_off(Error error) {
    static_cast<void>(keep_vectors());
    if (error.code != ErrorCode::Cancelled && write_rows()) static_cast<void>(output_.end_early());
    return std::unexpected(std::move(error));
  }

  const JobOptions& options_;
  Knowledge& knowledge_;
  VectorSources& sources_;
  RowQueue& queue_;
  Answers& answers_;
  RowOutput& output_;
  TextNumber last_answered_ = 0;
};

// So much computing may be lost when a process is killed.
constexpr std::chrono::seconds kWindowTime{10};

}  // namespace

Result<void> check_embed_job(const EmbeddingModel& model, const JobOptions& options) {
  return internal::check_job(model, options);
}

Result<JobSummary> run_embed_job(const std::shared_ptr<const EmbeddingModel>& model, std::unique_ptr<RowReader> reader,
                                 const OpenWriter& open_writer, const JobOptions& options) {
  if (!model || !reader) return fail(ErrorCode::InvalidArgument, "a job needs a model and rows");
  if (auto checked = check_embed_job(*model, options); !checked) return std::unexpected(checked.error());
  auto encoder = VectorEncoder::create(options.vectors, model->embedding_dimension());
  if (!encoder) return std::unexpected(encoder.error());
  const auto processor = BatchProcessor::create(model, options.batch_size);
  if (!processor) return std::unexpected(processor.error());

  auto knowledge = open_knowledge(*model, *reader, options);
  if (!knowledge) return std::unexpected(knowledge.error());
  TextStore& texts = knowledge->texts();
  if (knowledge->journal && options.on_journal) options.on_journal(knowledge->journal->is_new());
  const TextNumber recalled = texts.answered();
  if (auto found = find_scales(model, options, texts, *encoder); !found) {
    end_early(*knowledge, recalled == 0, options);
    return std::unexpected(found.error());
  }
  const auto rows_before = texts.rows();
  if (!rows_before) return std::unexpected(rows_before.error());
  if (recalled > 0 && options.on_resume) options.on_resume(*rows_before);

  auto sources = VectorSources::recall(texts, knowledge->vector_store(), model->kernels());
  if (!sources) {
    end_early(*knowledge, recalled == 0, options);
    return std::unexpected(sources.error());
  }

  RowQueue queue;
  Answers answers({.model = *model,
                   .options = options,
                   .texts = texts,
                   .vectors = knowledge->vector_store(),
                   .sources = *sources,
                   .encoder = *encoder});
  RowOutput output({.options = options,
                    .open_writer = open_writer,
                    .reader = *reader,
                    .encoder = *encoder,
                    .sources = *sources,
                    .answers = answers,
                    .max_length = model->max_sequence_length()});
  ProgressMeter progress(options, output);
  StreamOptions stream_options;
  stream_options.on_progress = [&](const BatchStatistics& now) { progress.during_window(now); };
  stream_options.stop = options.stop;
  stream_options.window_time = kWindowTime;
  auto source = std::make_unique<CorpusSource>(
      std::move(reader),
      CorpusSource::Parts{
          .model = *model, .options = options, .texts = texts, .vectors = knowledge->vector_store(), .queue = queue});
  // The stream has the reader, which the output asks for names until the end.
  auto stream = processor->process_source(std::move(source), stream_options);
  if (!stream) return std::unexpected(stream.error());
  const auto has_begun_nothing = [&] {
    return texts.answered() == 0 && output.counts().rows_out == 0 && knowledge->journal && knowledge->journal->is_new();
  };
  if (auto done = EmbedJob(options, *knowledge, *sources, queue, answers, output).run(*stream, progress); !done) {
    // A journal of failures alone is nothing to go on from.
    const bool is_wrong = done.error().code == ErrorCode::InvalidModel || done.error().code == ErrorCode::InvalidText;
    const bool is_useless = recalled == 0 && (is_wrong ? output.counts().embedded == 0 : has_begun_nothing());
    stream = std::unexpected(done.error());  // its thread asks the journal
    end_early(*knowledge, is_useless, options);
    return std::unexpected(done.error());
  }

  const BatchStatistics& statistics = stream->statistics();
  JobSummary summary = output.counts();
  // More than some texts are wrong, and nothing of it is worth keeping.
  if (summary.embedded == 0 && summary.not_finite > 0) {
    if (knowledge->journal) static_cast<void>(knowledge->journal->remove());
    return fail(ErrorCode::InvalidModel, std::format("the model gives no finite vector: NaN or infinity for {}",
                                                     summary.not_finite == 1 ? "the one text" : "every text"));
  }
  summary.device = statistics.device.empty() ? model->model().device() : statistics.device;
  auto closed =
      output.write_rest()
          .and_then([&] {
            return knowledge->journal ? knowledge->journal->announce_output(output.counts().rows_out) : Result<void>();
          })
          .and_then([&] { return output.close({{"llama.device", sources->devices(summary.device)}}); });
  if (!closed) {
    end_early(*knowledge, false, options);
    return std::unexpected(closed.error());
  }
  summary.output = std::move(*closed);
  summary.rows_out = output.counts().rows_out;
  summary.rows_in += queue.left_out();
  summary.skipped_blank += queue.left_out();
  summary.rows_before = std::min(summary.rows_in, recalled > 0 ? *rows_before : 0);
  summary.computed = answers.computed();
  summary.from_store = answers.from_store();
  summary.from_journal = std::min<std::uint64_t>(recalled, summary.distinct);
  summary.tokens = statistics.tokens;
  summary.compute_time = statistics.compute_time;
  if (options.on_written) {
    if (auto told = options.on_written(summary); !told) {
      end_early(*knowledge, false, options);
      return std::unexpected(told.error());
    }
  }
  if (knowledge->journal) {
    if (auto removed = knowledge->journal->remove(); !removed) return std::unexpected(removed.error());
  }
  return summary;
}

}  // namespace llama
