// Let threads read a table's pieces, each the next that nobody has.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-table/vector_table.h"

namespace llama::internal {

// As many threads as pieces, at most; 0: as many as the machine has.
[[nodiscard]] std::size_t team_size(int threads, std::size_t pieces);

// Calls use(worker, piece, block) for every block; worker < team_size(), each on a thread of its own, and blocks of a
// piece in order by one worker.
//
// Errors   the first that a worker met: then the others stop. Cancelled. An exception (memory) is OutOfMemory.
[[nodiscard]] Result<void> read_pieces(
    const VectorTable& table, const std::vector<std::string>& columns, std::size_t workers, const std::stop_token& stop,
    const std::function<void(std::size_t worker, std::size_t piece, const VectorBlock& block)>& use);

// Calls use(worker, item) for each item below `count`. Errors as above.
[[nodiscard]] Result<void> share_work(std::size_t count, std::size_t workers, const std::stop_token& stop,
                                      const std::function<void(std::size_t worker, std::size_t item)>& use);

}  // namespace llama::internal
