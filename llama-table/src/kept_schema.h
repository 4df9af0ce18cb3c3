// Say what the kept columns of a reader are: its KeptRows have this schema.
//
// The writer asks a RowReader for it (dynamic_cast) before the first row is there.
#pragma once

#include <arrow/type.h>

#include <memory>

namespace llama::internal {

class HasKeptSchema {
 public:
  virtual ~HasKeptSchema() = default;
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> kept_schema() const = 0;
};

}  // namespace llama::internal
