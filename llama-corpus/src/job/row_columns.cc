#include "row_columns.h"

#include <string_view>

#include "llama-embedding/embedding_result.h"

namespace llama::internal {
namespace {

// About what a row takes besides its vector and its texts: the hash and numbers.
constexpr std::size_t kRowBytes = 64;

// The part of the row's text that an output row is about.
std::optional<std::string_view> text_of(const OutputRow& row) {
  if (!row.row.text) return std::nullopt;
  const std::string_view text = *row.row.text;
  return row.piece == nullptr ? text : text.substr(row.piece->begin, row.piece->end - row.piece->begin);
}

void put_integer(ColumnValues& values, std::optional<std::uint64_t> value) {
  values.integers.push_back(static_cast<std::int64_t>(value.value_or(0)));
  values.valid.push_back(value.has_value());
}

void put_text(ColumnValues& values, std::optional<std::string> value) {
  values.valid.push_back(value.has_value());
  values.texts.push_back(std::move(value).value_or(""));
}

}  // namespace

RowColumns::RowColumns(const JobOptions& options, VectorElement element, std::int32_t dimension) {
  const OutputColumns& names = options.columns;
  const bool nullable = options.on_error == OnError::Null;
  const auto integer = [&](ColumnType plain) { return names.is_plain ? plain : ColumnType::Integer; };
  add_column(names.text, Content::Text, ColumnType::Text, nullable);
  add_column(names.text_hash, Content::Hash, ColumnType::Text, nullable);
  add_column(names.embedding, Content::Embedding, ColumnType::Vector, nullable);
  if (!names.embedding.empty()) {
    specs_.back().element = element;
    specs_.back().dimension = dimension;
  }
  vector_bytes_ = llama::vector_bytes(element, dimension);
  add_column(names.sequence_length, Content::Length, integer(ColumnType::UnsignedInteger32), nullable);
  add_column(names.processing_time_ms, Content::Time, integer(ColumnType::UnsignedInteger64), nullable);
  add_column(names.token_count, Content::TokenCount, ColumnType::Integer, nullable);
  add_column(names.truncated, Content::Truncated, ColumnType::Boolean, nullable);
  add_column(names.error, Content::Error, ColumnType::Text, true);
  add_column(names.row, Content::Row, ColumnType::Integer, false);
  if (options.on_long == OnLong::Chunk) {
    add_column(names.chunk_index, Content::ChunkIndex, ColumnType::Integer, nullable);
    add_column(names.chunk_start, Content::ChunkStart, ColumnType::Integer, nullable);
    add_column(names.chunk_end, Content::ChunkEnd, ColumnType::Integer, nullable);
  }
  values_.resize(specs_.size());
}

void RowColumns::add_column(const std::string& name, Content content, ColumnType type, bool nullable) {
  if (name.empty()) return;
  specs_.push_back({.name = name, .type = type, .nullable = nullable});
  contents_.push_back(content);
}

void RowColumns::add_cell(std::size_t column, const OutputRow& row) {
  ColumnValues& values = values_[column];
  const TextAnswer* answer = row.answer;
  const auto of_answer = [&](auto value) {
    return answer == nullptr ? std::nullopt : std::optional<std::uint64_t>(value(*answer));
  };
  const auto of_piece = [&](std::uint64_t value) {
    return row.piece == nullptr ? std::nullopt : std::optional<std::uint64_t>(value);
  };
  switch (contents_[column]) {
    case Content::Text:
      return put_text(values, text_of(row).transform([](std::string_view text) { return std::string(text); }));
    case Content::Hash:
      return put_text(values, text_of(row).transform([](std::string_view text) { return md5_hex(text); }));
    case Content::Embedding: {
      const bool has_vector = answer != nullptr && !answer->vector.empty() && !row.error;
      values.valid.push_back(has_vector);
      const std::size_t before = values.vectors.size();
      if (has_vector) values.vectors.insert(values.vectors.end(), answer->vector.begin(), answer->vector.end());
      values.vectors.resize(before + vector_bytes_);
      return;
    }
    case Content::Length:
      return put_integer(values, row.error ? std::nullopt : of_answer([](const auto& a) { return a.tokens; }));
    case Content::Time:
      return put_integer(values, of_answer([&](const auto& a) { return row.shows_time ? a.time_ms : 0; }));
    case Content::TokenCount:
      return put_integer(values, answer == nullptr ? std::nullopt : answer->token_count);
    case Content::Truncated:
      return put_integer(values, of_answer([](const auto& a) { return a.truncated ? 1 : 0; }));
    case Content::Error:
      return put_text(values, row.error);
    case Content::Row:
      return put_integer(values, row.row.number);
    case Content::ChunkIndex:
      return put_integer(values, of_piece(row.chunk));
    case Content::ChunkStart:
      return put_integer(values, of_piece(row.piece == nullptr ? 0 : row.piece->start_character));
    case Content::ChunkEnd:
      return put_integer(values, of_piece(row.piece == nullptr ? 0 : row.piece->end_character));
  }
}

void RowColumns::add(const OutputRow& row) {
  for (std::size_t column = 0; column < specs_.size(); ++column) {
    add_cell(column, row);
    if (!specs_[column].nullable) values_[column].valid.clear();
  }
  if (row.row.kept.rows) kept_.push_back(row.row.kept);
  ++rows_;
  bytes_ += vector_bytes_ + text_of(row).value_or("").size() + row.error.value_or("").size() + kRowBytes;
}

void RowColumns::clear() {
  values_.assign(specs_.size(), {});
  kept_.clear();
  rows_ = bytes_ = 0;
}

}  // namespace llama::internal
