// Decide the columns of an output: which there are, in which order, under which names.
#pragma once

#include <arrow/type.h>

#include <string>
#include <utility>
#include <vector>

#include "llama-table/table_writer.h"
#include "table_file.h"

namespace llama::internal {

// kept: nothing where no column goes along. What the input's schema says of itself (pandas' index, Hugging Face's
// features) is left behind: it would be wrong of other columns. Its fields keep their metadata.
//
// Errors   InvalidArgument: two columns of one name, a dimension below 1, of bits one that is no multiple of 8, a type
//          that the format cannot hold.
[[nodiscard]] Result<OutputSchema> make_output_schema(const TableOutput& output,
                                                      const std::shared_ptr<arrow::Schema>& kept,
                                                      const std::vector<ColumnSpec>& columns,
                                                      const std::vector<std::pair<std::string, std::string>>& rename);

}  // namespace llama::internal
