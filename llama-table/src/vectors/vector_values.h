// Find the vectors in a column of lists, and lay them one after the other.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "llama-base/error.h"
#include "llama-table/vector_table.h"

namespace llama::internal {

// What vectors of a column of this type are; nothing where it is none of vectors. The dimension is 0 where the type
// does not say it.
[[nodiscard]] std::optional<VectorColumn> vectors_of_type(const arrow::Field& field);

// The length of the first list that there is; nothing where all are null.
[[nodiscard]] std::optional<std::int64_t> first_length(const std::shared_ptr<arrow::Array>& column);

// The block's vectors, of lists of `column.dimension` entries (of bits an eighth); its other members stay as they are.
//
// Cost     nothing but a look at each row where the lists lie one after the other, hold no null and no doubles; else a
//          copy.
// Errors   OutOfMemory.
[[nodiscard]] Result<void> take_vectors(const std::shared_ptr<arrow::Array>& array, const VectorColumn& column,
                                        VectorBlock& block);

}  // namespace llama::internal
