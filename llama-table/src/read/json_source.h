// JSON as a table: objects, one a line or in an array, whose keys are the columns.
//
// The types are those of all objects: a file is read twice. What is a string stays one, however much it looks like a
// date. Objects that can be read only once are json_lines_source.h's; an array of them is refused.
#pragma once

#include <memory>
#include <stop_token>

#include "llama-table/table_reader.h"
#include "read/batch_source.h"
#include "read/byte_reader.h"
#include "read/database.h"
#include "read/input_files.h"

namespace llama::internal {

[[nodiscard]] Result<std::unique_ptr<BatchSource>> open_json(std::unique_ptr<DuckDatabase> database,
                                                             const InputFiles& files,
                                                             std::unique_ptr<InputBytes> stream,
                                                             const TableInput& input, TableFormat format,
                                                             const std::stop_token& stop);

}  // namespace llama::internal
