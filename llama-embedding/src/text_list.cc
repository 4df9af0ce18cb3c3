#include "llama-embedding/text_list.h"

#include <format>
#include <utility>

namespace llama {
namespace {

std::vector<SourceText> numbered(std::vector<std::string> texts) {
  std::vector<SourceText> rows;
  rows.reserve(texts.size());
  for (std::string& text : texts) rows.push_back({.row = rows.size(), .text = std::move(text)});
  return rows;
}

}  // namespace

std::string TextSource::name_of(std::uint64_t row) const { return std::format("row {}", row); }

TextList::TextList(std::vector<std::string> texts) : TextList(numbered(std::move(texts))) {}

TextList::TextList(std::vector<SourceText> rows) : rows_(std::move(rows)) {
  total_.texts = rows_.size();
  for (const SourceText& row : rows_) total_.bytes += row.text ? row.text->size() : 0;
}

Result<SourceBatch> TextList::next(SourceLimits limits, const std::stop_token&) {
  SourceBatch batch;
  for (std::size_t bytes = 0;
       at_ < rows_.size() && batch.texts.size() < limits.max_texts && bytes < limits.max_bytes;) {
    SourceText& row = rows_[at_++];
    bytes += row.text ? row.text->size() : 0;
    batch.texts.push_back(std::move(row));
  }
  if (at_ == rows_.size()) batch.state = SourceState::End;
  return batch;
}

}  // namespace llama
