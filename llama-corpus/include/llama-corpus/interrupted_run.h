// Tell an output that an interrupted run has finished from a file that happens to have its name.
//
// A run writes its output, gives it its name, and removes its journal last. Killed between the last two it leaves both
// behind, and the same command finds a file where it is to write one. So the journal says before that the output comes
// next, and how many rows it will have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace llama {

// The rows of the output whose name the run with this journal was about to give. Nothing: it was not so far, another
// process has the journal, or there is none.
// Cost     one page of the journal.
[[nodiscard]] std::optional<std::uint64_t> announced_rows(const std::filesystem::path& journal);

}  // namespace llama
