// The lines of text files, packed or not, as a table of one column, "text".
//
// Lines end with \n or \r\n and nothing else, the last one may lack it; a byte-order mark of UTF-8 at a file's start is
// dropped; lines of white space alone are skipped and counted. A row's number is that of its line, over all files.
// Whether a line is UTF-8 is looked at where it is asked for; a file that is plainly no text (text_kind.h) is refused.
//
// Errors   InvalidText, and those of InputBytes.
// Memory   one batch and the longest line.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "read/batch_source.h"
#include "read/byte_reader.h"

namespace llama::internal {

class TextLinesSource : public BatchSource {
 public:
  // first: the reader of the first file, where it is open already.
  TextLinesSource(std::vector<std::string> files, std::unique_ptr<InputBytes> first);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) override;
  [[nodiscard]] std::string name_of(std::uint64_t row) const override;

 private:
  enum class Taken { Line, Wait, End };
  // The next line in line_, unless waiting for it is not allowed and it is not there.
  Result<Taken> take_line(bool may_wait, const std::stop_token& stop);
  Result<bool> open_next();

  std::vector<std::string> files_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<InputBytes> reader_;  // of files_[file_ - 1]
  std::size_t file_ = 0;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of the buffer is not used up
  std::string line_;                 // as far as it was read
  bool is_whole_ = false;            // line_ was handed out
  bool is_first_line_ = true;        // of its file
  bool is_first_block_ = true;       // likewise
  std::uint64_t lines_ = 0;
  bool may_wait_ = true;
  std::optional<Error> error_;  // to be told when the lines before it are

  mutable std::mutex mutex_;
  std::vector<std::uint64_t> first_lines_;  // of each file that was begun
};

}  // namespace llama::internal
