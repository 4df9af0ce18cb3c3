// Hand out each distinct text of a table once, for the stream to compute, and put the rows that need them into a queue.
//
// It runs on the stream's reading thread: rows are read, joined, prompted, cut into chunks and looked up there, while
// the model computes. A text under way is known by its number (text_store.h), which is its row number for the stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../store/text_store.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/vector_store.h"
#include "llama-embedding/embedding_model.h"
#include "llama-embedding/text_source.h"
#include "row_queue.h"

namespace llama::internal {

// The stream answers texts alone. Where rows are to be written and no text is under way, a failure under this number
// is handed out, which comes back when everything before it is answered.
inline constexpr std::uint64_t kWakeUp = UINT64_MAX;

class CorpusSource : public TextSource {
 public:
  struct Parts {
    const EmbeddingModel& model;
    const JobOptions& options;
    TextStore& texts;
    VectorStore* vectors;  // or nothing
    RowQueue& queue;
  };
  // What parts refer to must outlive it.
  CorpusSource(std::unique_ptr<RowReader> reader, Parts parts) : reader_(std::move(reader)), parts_(parts) {}

  [[nodiscard]] Result<SourceBatch> next(SourceLimits limits, const std::stop_token& stop) override;
  // None: the message of a failure is ": " and the reason, for rows of several names may have the same text.
  [[nodiscard]] std::string name_of(std::uint64_t) const override { return ""; }

 private:
  // A row that is not in the queue yet: some of its pieces have no number.
  struct Unfinished {
    JobRow row;
    std::size_t of_batch = 0;  // the row in batch_
    std::size_t next_piece = 0;
  };
  [[nodiscard]] Result<void> begin_row();
  [[nodiscard]] Result<void> cut(Unfinished& unfinished);
  [[nodiscard]] Result<void> number_next_piece(SourceBatch& out, std::size_t& bytes);
  [[nodiscard]] bool is_too_long(const std::string& text) const;
  // True: the batch handed out ends here.
  [[nodiscard]] Result<bool> read_on(SourceBatch& out, const std::stop_token& stop);
  void pause(SourceBatch& out) const;

  std::unique_ptr<RowReader> reader_;
  Parts parts_;
  RowBatch batch_;
  std::size_t at_ = 0;  // the first row of the batch that was not begun
  std::optional<Unfinished> unfinished_;
  std::optional<Error> error_;  // comes after what was handed out
};

}  // namespace llama::internal
