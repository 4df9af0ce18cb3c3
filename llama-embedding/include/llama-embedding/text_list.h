// Hand out texts that are in memory.
#pragma once

#include "llama-embedding/text_source.h"

namespace llama {

class TextList : public TextSource {
 public:
  // Rows are numbered from 0.
  explicit TextList(std::vector<std::string> texts);
  // Rows as given, failures among them.
  explicit TextList(std::vector<SourceText> rows);

  [[nodiscard]] Result<SourceBatch> next(SourceLimits limits, const std::stop_token& stop) override;
  [[nodiscard]] std::optional<TextCount> total() const override { return total_; }

 private:
  std::vector<SourceText> rows_;
  std::size_t at_ = 0;
  TextCount total_;
};

}  // namespace llama
