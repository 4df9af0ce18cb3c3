// Embed a corpus: rows -> prompt -> chunks -> distinct texts -> vectors -> rows.
//
// Each distinct text is computed once; every row is written, in the input's order. What was computed lies in a journal
// beside the output until the output is whole: a run that was killed goes on from there when it is given again, and
// gives the same rows. A row that fails never takes others along.
//
// Memory   bounded, whatever the input's length: some windows of rows; what repeats is found on disk.
// Threads  one at a time; reading, looking up and tokenizing go along with the computing on a thread of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-corpus/prompt.h"
#include "llama-corpus/shard.h"
#include "llama-embedding/embedding_model.h"
#include "llama-table/column.h"
#include "llama-table/row_reader.h"
#include "llama-table/row_writer.h"

namespace llama {

enum class OnLong { Truncate, Error, Skip, Chunk };  // a text of more tokens than the limit
enum class OnError { Fail, Null, Skip };             // a row that gets no vector

// What is written of a vector.
struct VectorFormat {
  VectorElement element = VectorElement::Float32;
  std::optional<std::int32_t> dimensions;            // the first so many, scaled to length 1 again (Matryoshka)
  std::optional<std::filesystem::path> calibration;  // Int8: a text file to take the scales from; else the first texts
};

// Which columns are written beside those that go along, under these names; "" leaves one out.
struct OutputColumns {
  std::string text = "text";  // as it came; with OnLong::Chunk the chunk's part of it
  std::string text_hash = "text_hash";
  std::string embedding = "embedding";
  std::string sequence_length = "sequence_length";
  std::string processing_time_ms = "processing_time_ms";
  std::string token_count, truncated, error;        // optional: the tokens before the cut, …
  std::string row;                                  // optional: the row's number in the input
  std::string chunk_index, chunk_start, chunk_end;  // with OnLong::Chunk
  bool is_plain = false;                            // the types and nullability of the specification's five columns
};

struct JobOptions {
  std::int32_t batch_size = 32;  // most texts in one pass
  // The cells of a row, as the reader hands them out: the first `text_columns` are joined to the text, the others are
  // the prompt's columns(), in its order.
  std::size_t text_columns = 1;
  std::string join = " ";
  std::optional<PromptTemplate> prompt;
  OnLong on_long = OnLong::Truncate;
  std::int32_t chunk_tokens = 0;  // 0: the model's limit
  std::int32_t chunk_overlap = 0;
  bool skips_blank = false;  // rows of white space alone are left out and counted (as the plain call does)
  OnError on_error = OnError::Skip;
  VectorFormat vectors;
  OutputColumns columns;
  Shard shard;
  bool answers_each_batch = false;  // of the reader at once: a filter for programs
  // Of an answer: beyond so many it is several, each but the last of at least so many.
  std::size_t answer_bytes = 256 << 20;
  // Such a filter runs as long as the program does, on a disk that is not: so many distinct texts are remembered, then
  // it begins to remember anew.
  std::size_t stream_memory = 100'000;

  std::optional<std::filesystem::path> journal;  // nothing: no resuming (the input cannot be read again)
  // What the journal is bound to beyond the input and the model: every setting that changes rows or vectors, by the
  // name that people know it under ("--keep", "all").
  std::vector<std::pair<std::string, std::string>> settings;
  bool restarts = false;              // an old journal is thrown away
  std::string way_out = "remove it";  // for people, in messages: what to do with a journal of another run
  std::optional<std::filesystem::path> vector_store;  // kept across runs (vector_store.h)
  std::filesystem::path scratch_folder;               // for what does not fit into memory; the output's folder

  std::function<void(std::uint64_t row, const Error&)> on_failure;  // a row without a vector; named as the reader does
  std::function<void(const struct JobProgress&)> on_progress;
  // The journal is this process's alone from now on; called before anything else. is_new: no run was interrupted.
  std::function<void(bool is_new)> on_journal;
  std::function<void(std::uint64_t rows)> on_resume;  // that the journal answers; called once, before the first row
  // The output is whole and has its name, and the journal is still there: what goes along with an output (a manifest)
  // is there whenever the journal is not. An error is the job's.
  std::function<Result<void>(const struct JobSummary&)> on_written;
  std::function<void(std::uint64_t rows)> on_break;  // the job fails or was stopped: the journal answers so many rows
  std::stop_token stop;
};

struct JobProgress {
  std::uint64_t rows = 0;    // answered
  std::uint64_t bytes = 0;   // of their texts: a long text is more of the work than a short one
  std::uint64_t tokens = 0;  // computed
};

struct JobSummary {
  // rows_in = embedded + null + skipped; rows_out = rows written (more with chunks, fewer where rows are skipped).
  std::uint64_t rows_in = 0;
  std::uint64_t embedded = 0;  // rows with a vector (with chunks: with all of them)
  std::uint64_t null = 0;      // rows written without a vector
  std::uint64_t skipped_failed = 0, skipped_blank = 0, skipped_long = 0, skipped_empty = 0;  // empty: a null cell
  std::uint64_t rows_out = 0;
  std::uint64_t rows_before = 0;  // of rows_in: an interrupted run had answered them
  std::uint64_t distinct = 0;     // texts (chunks), each computed or found once
  std::uint64_t computed = 0;     // of those, in this run
  std::uint64_t from_journal = 0, from_store = 0;
  std::uint64_t truncated = 0;   // rows
  std::uint64_t tokens = 0;      // computed in this run
  std::uint64_t not_finite = 0;  // rows for which the model gave NaN or infinity
  std::chrono::nanoseconds compute_time{0};
  std::string device;
  TableSummary output;
};

// Opens the output when the first row is to be written: only then the int8 scales are known. `metadata` is the job's
// own ("llama.int8_scales" …) and joins the caller's.
using OpenWriter = std::function<Result<std::unique_ptr<RowWriter>>(const std::vector<ColumnSpec>& columns,
                                                                    const TableMetadata& metadata)>;

// What run_embed_job() would refuse of its settings.
// Errors   InvalidArgument.
[[nodiscard]] Result<void> check_embed_job(const EmbeddingModel& model, const JobOptions& options);

// What tells the texts that a calibration file gives scales from (its first 10,000) from others': a SHA-256, in hex.
// Errors   those of a text file (text_file.h), Cancelled.
[[nodiscard]] Result<std::string> calibration_digest(const std::filesystem::path& file, const std::stop_token& stop);

// Errors   those of the reader, the model and the writer; InvalidArgument: a setting out of range, a journal of another
//          input or other settings (says which; restarts begins anew); Busy: another process writes the same output;
//          InvalidModel: no text at all has a finite vector;
//          Cancelled: what is done stays in the journal. Where nothing is done, no journal is left.
[[nodiscard]] Result<JobSummary> run_embed_job(const std::shared_ptr<const EmbeddingModel>& model,
                                               std::unique_ptr<RowReader> reader, const OpenWriter& open_writer,
                                               const JobOptions& options);

}  // namespace llama
