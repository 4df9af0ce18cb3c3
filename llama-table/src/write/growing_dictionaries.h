// Give each dictionary column one dictionary that only grows: an Arrow IPC file can hold no other.
//
// Cost     each batch hashes the dictionaries anew; memory for the distinct values.
// Source   Arrow columnar format, "IPC File Format": no dictionary replacement in a file.
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <vector>

namespace llama::internal {

class GrowingDictionaries {
 public:
  // Nothing where the schema has no dictionary, on whatever level.
  [[nodiscard]] static std::unique_ptr<GrowingDictionaries> for_schema(const arrow::Schema& schema);

  // The same values, by dictionaries that begin with those of the batch before.
  // Errors   Arrow's Invalid: more distinct values than the column's index type can count.
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> apply(
      const std::shared_ptr<arrow::RecordBatch>& batch);

 private:
  explicit GrowingDictionaries(std::size_t columns) : latest_(columns), has_dictionary_(columns) {}
  std::vector<std::shared_ptr<arrow::Array>> latest_;  // of no rows, with the dictionary so far
  std::vector<bool> has_dictionary_;
};

}  // namespace llama::internal
