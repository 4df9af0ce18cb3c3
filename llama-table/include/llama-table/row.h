// Hold rows of a table: the texts that the caller asked for, and whatever columns go along.
//
// What goes along is never looked at: the reader knows what it is, the writer writes it, with its type kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llama-base/error.h"

namespace llama {

namespace internal {
class KeptRows;  // llama-table/src: an Arrow record batch
}

// Values of the columns that go along, for the rows of one batch.
using KeptRows = std::shared_ptr<const internal::KeptRows>;

// A cell: its text (UTF-8), nothing where it is null.
using Cell = std::optional<std::string>;

struct Row {
  std::uint64_t number = 0;         // of the row in the input, counted from 0 in its order
  Result<std::vector<Cell>> cells;  // one for each column asked for, in that order; or why the row cannot be read
};

// What is to be expected after a batch (llama-embedding/text_source.h says the same of texts).
enum class RowState { More, Pause, End };

struct RowBatch {
  std::vector<Row> rows;
  KeptRows kept;              // its row i goes along with rows[i]; nothing where no column is kept
  std::uint64_t skipped = 0;  // rows that hold nothing and are none's failure: blank lines of a text file
  RowState state = RowState::More;
};

}  // namespace llama
