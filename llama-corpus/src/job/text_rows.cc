#include "llama-corpus/text_rows.h"

#include <utility>

namespace llama {
namespace {

class TextRows : public RowReader {
 public:
  TextRows(std::unique_ptr<TextSource> source, InputIdentity identity)
      : source_(std::move(source)), identity_(std::move(identity)) {}

  Result<RowBatch> next(const std::stop_token& stop) override {
    auto texts = source_->next({.max_texts = 1024, .max_bytes = 1 << 20}, stop);
    if (!texts) return std::unexpected(texts.error());
    RowBatch batch;
    batch.rows.reserve(texts->texts.size());
    for (SourceText& text : texts->texts) {
      batch.rows.push_back({.number = text.row, .cells = std::move(text.text).transform([](std::string&& line) {
                              std::vector<Cell> cells;
                              cells.emplace_back(std::move(line));
                              return cells;
                            })});
    }
    batch.skipped = texts->skipped;
    batch.state = texts->state == SourceState::End     ? RowState::End
                  : texts->state == SourceState::Pause ? RowState::Pause
                                                       : RowState::More;
    return batch;
  }

  std::vector<ColumnDescription> kept_columns() const override { return {}; }
  Result<std::optional<std::uint64_t>> count(const std::stop_token&) override {
    return source_->total().transform([](const TextCount& total) { return total.texts; });
  }
  InputIdentity identity() const override { return identity_; }
  std::string name_of(std::uint64_t row) const override { return source_->name_of(row); }

 private:
  std::unique_ptr<TextSource> source_;
  InputIdentity identity_;
};

}  // namespace

std::unique_ptr<RowReader> make_text_rows(std::unique_ptr<TextSource> source, InputIdentity identity) {
  return std::make_unique<TextRows>(std::move(source), std::move(identity));
}

}  // namespace llama
