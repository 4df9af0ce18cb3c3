// Open an output whose stream goes to any descriptor: tests have one of their own.
#pragma once

#include <arrow/type.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llama-table/table_writer.h"

namespace llama::internal {

// kept: nothing where no column goes along.
[[nodiscard]] Result<std::unique_ptr<RowWriter>> open_writer(
    TableOutput output, const std::shared_ptr<arrow::Schema>& kept, const std::vector<ColumnSpec>& columns,
    const std::vector<std::pair<std::string, std::string>>& rename, int descriptor);

}  // namespace llama::internal
