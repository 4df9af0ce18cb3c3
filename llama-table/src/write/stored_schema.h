// Choose the Arrow schema that is stored in a Parquet file: what can be read back by it.
//
// Parquet's own types are fewer; the stored schema says what a column was. The bytes are the same whatever it says,
// but there are types that Arrow writes and cannot read:
// - fixed-size lists of which one is null ("Expected all lists to be of size=2 but index 2 had size=0"): they are
//   stored as plain lists;
// - dictionaries inside of lists and structs, of more than one row group ("Nested data conversions not implemented for
//   chunked array outputs"): they are stored as their values.
// Views of lists are stored as lists: the name says how a list lies in memory, and a file that says it is read neither
// by Polars 2.1 (it panics) nor by Hugging Face datasets 5.2, whatever column is asked for.
//
// Source   apache/arrow issue 35692 (mended after Arrow 25), huggingface/datasets issue 7793; tried with Arrow 25.
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <vector>

#include "table_file.h"

namespace llama::internal {

class StoredSchema {
 public:
  // is_part: parts must have the same schema, whichever of them has a null: then what may be null counts as null. So it
  // does for computed columns, whose type should not hang on the data.
  StoredSchema(const OutputSchema& schema, bool is_part);

  void see(const arrow::RecordBatch& batch);
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<bool> is_watched_;  // columns with fixed-size lists that are stored as such until a null is seen
  std::vector<bool> is_plain_;    // columns whose fixed-size lists are stored as plain ones
};

}  // namespace llama::internal
