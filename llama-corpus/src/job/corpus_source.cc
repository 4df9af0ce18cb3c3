#include "corpus_source.h"

#include <algorithm>
#include <utility>

#include "llama-corpus/chunker.h"
#include "row_text.h"

namespace llama::internal {

// Pieces one after the other, since a row may have more of them than one batch may hold texts. A batch ends where its
// limits are reached, where the queue is full or where somebody waits for the rows so far; then everything is answered
// before the next call, and that is the only call which may wait.
Result<SourceBatch> CorpusSource::next(SourceLimits limits, const std::stop_token& stop) {
  if (error_) return std::unexpected(*error_);
  if (!parts_.queue.wait_for_room(stop)) return fail(ErrorCode::Cancelled, "embedding was stopped");
  SourceBatch out;
  std::size_t bytes = 0;
  const auto advance = [&]() -> Result<bool> {
    if (unfinished_) {
      if (auto done = number_next_piece(out, bytes); !done) return std::unexpected(done.error());
      if (!parts_.queue.is_full()) return false;
      pause(out);
      return true;
    }
    if (at_ == batch_.rows.size()) return read_on(out, stop);
    if (auto begun = begin_row(); !begun) return std::unexpected(begun.error());
    return false;
  };
  while (out.texts.size() < std::max<std::size_t>(1, limits.max_texts) && bytes < limits.max_bytes) {
    auto ends = advance();
    if (!ends) {
      // What was handed out is answered first, and the rows before this one are written.
      error_ = std::move(ends.error());
      if (out.texts.empty()) return std::unexpected(*error_);
      return out;
    }
    if (*ends) return out;
  }
  return out;
}

void CorpusSource::pause(SourceBatch& out) const {
  if (out.texts.empty()) out.texts.push_back({.row = kWakeUp, .text = fail(ErrorCode::Internal, "no text")});
  out.state = SourceState::Pause;
}

Result<bool> CorpusSource::read_on(SourceBatch& out, const std::stop_token& stop) {
  const RowState state = std::exchange(batch_.state, RowState::More);
  if (state == RowState::End) {
    batch_.state = state;
    out.state = SourceState::End;
    return true;
  }
  if (state == RowState::Pause) {
    // A batch without rows is answered too: by a batch without rows, which tells the answers' schema.
    if (parts_.options.answers_each_batch) {
      parts_.queue.put_flush(parts_.options.journal ? 0 : parts_.texts.begin_anew(parts_.options.stream_memory));
    } else if (!batch_.rows.empty()) {
      parts_.queue.put_flush();
    }
    pause(out);
    return true;
  }
  batch_ = {};
  at_ = 0;
  auto batch = reader_->next(stop);
  if (!batch) return std::unexpected(batch.error());
  batch_ = std::move(*batch);
  // Of the rows without a number the first shard alone has any, so that all shards together count each once.
  if (parts_.options.shard.index == 0) parts_.queue.add_left_out(batch_.skipped);
  if (parts_.options.answers_each_batch && batch_.state == RowState::More) batch_.state = RowState::Pause;
  return false;
}

Result<void> CorpusSource::begin_row() {
  const std::size_t index = at_++;
  Row& row = batch_.rows[index];
  if (!parts_.options.shard.has(row.number)) return {};
  Unfinished unfinished{.row = row_of(row, parts_.options), .of_batch = index};
  if (batch_.kept) unfinished.row.kept = {.rows = batch_.kept, .index = index};
  if (unfinished.row.kind == JobRow::Kind::Text) {
    if (auto done = cut(unfinished); !done) {
      // A text that cannot be read is its row's failure, anything else the run's.
      if (done.error().code != ErrorCode::InvalidText) return done;
      unfinished.row.kind = JobRow::Kind::Failed;
      unfinished.row.failure = done.error();
      unfinished.row.pieces.clear();
    }
  }
  unfinished_ = std::move(unfinished);
  return {};
}

Result<void> CorpusSource::cut(Unfinished& unfinished) {
  JobRow& row = unfinished.row;
  if (parts_.options.on_long != OnLong::Chunk) {
    row.pieces.push_back({.end = row.text->size()});
    return {};
  }
  const JobOptions& options = parts_.options;
  const ChunkLimits limits{
      .max_tokens = options.chunk_tokens > 0 ? options.chunk_tokens : parts_.model.max_sequence_length(),
      .overlap_tokens = options.chunk_overlap};
  const auto count = [&](std::string_view part) -> Result<std::int32_t> {
    return parts_.model.count_tokens(prompted(part, batch_.rows[unfinished.of_batch], options))
        .transform(
            [](std::size_t tokens) { return static_cast<std::int32_t>(std::min<std::size_t>(tokens, INT32_MAX)); });
  };
  auto chunks = chunk_text(*row.text, limits, count);
  if (!chunks) {
    // The limits are checked before the run (check_job()): what has no room has none beside this row's cells.
    const bool has_cells = options.prompt && !options.prompt->columns().empty();
    if (has_cells && chunks.error().code == ErrorCode::InvalidArgument)
      return fail(ErrorCode::InvalidText, std::move(chunks.error().message));
    return std::unexpected(std::move(chunks.error()));
  }
  for (const Chunk& chunk : *chunks) {
    row.pieces.push_back({.begin = chunk.begin,
                          .end = chunk.end,
                          .start_character = chunk.start_character,
                          .end_character = chunk.end_character});
  }
  return {};
}

// Where a text that is too long is not to be cut, it is not computed either. A text has fewer tokens than bytes, and
// the odd one that has not is found by its answer (truncated).
bool CorpusSource::is_too_long(const std::string& text) const {
  if (parts_.options.on_long != OnLong::Error && parts_.options.on_long != OnLong::Skip) return false;
  if (text.size() < static_cast<std::size_t>(parts_.model.max_sequence_length())) return false;
  const auto tokens = parts_.model.tokenize(text);
  return tokens && tokens->truncated;
}

Result<void> CorpusSource::number_next_piece(SourceBatch& out, std::size_t& bytes) {
  JobRow& row = unfinished_->row;
  if (unfinished_->next_piece < row.pieces.size()) {
    TextPiece& piece = row.pieces[unfinished_->next_piece++];
    const std::string_view part = std::string_view(*row.text).substr(piece.begin, piece.end - piece.begin);
    std::string text = prompted(part, batch_.rows[unfinished_->of_batch], parts_.options);
    const auto digest = digest_of_text(text);
    if (!digest) return std::unexpected(digest.error());
    const auto number = parts_.texts.number_of(*digest);
    if (!number) return std::unexpected(number.error());
    piece.number = number->number;
    row.needs = std::max(row.needs, piece.number);
    if (number->is_new) {
      AwaitedText awaited{.number = piece.number, .digest = *digest};
      if (is_too_long(text)) {
        awaited.is_too_long = true;
      } else if (parts_.vectors != nullptr) {
        auto known = parts_.vectors->find(*digest);
        if (!known) return std::unexpected(known.error());
        awaited.known = std::move(*known);
      }
      if (!awaited.is_ready()) {
        bytes += text.size();
        out.texts.push_back({.row = piece.number, .text = std::move(text)});
      }
      parts_.queue.put(std::move(awaited));
    }
  }
  if (unfinished_->next_piece == row.pieces.size()) {
    parts_.queue.put(std::move(row));
    unfinished_.reset();
  }
  return {};
}

}  // namespace llama::internal
