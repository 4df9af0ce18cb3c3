// Find out where an output goes: which files it makes, and which of them exist already.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "llama-table/table_writer.h"

namespace llama::internal {

[[nodiscard]] bool is_split(const TableOutput& output);  // into a folder of parts
[[nodiscard]] std::filesystem::path part_path(const TableOutput& output, std::uint64_t number);

// Parts with the same prefix that lie in the folder, in no order.
[[nodiscard]] std::vector<std::filesystem::path> existing_parts(const TableOutput& output);

// Make the folder of parts, and remove those that are to be replaced.
// Errors   Io, NoSpace.
[[nodiscard]] Result<void> prepare_folder(const TableOutput& output);

}  // namespace llama::internal
