#include "index/index_memory.h"

#include <format>

#include "llama-base/memory.h"

namespace llama::internal {

Result<void> check_index_memory(const NeighbourGraph::Options& shape, std::size_t workers) {
  const std::uint64_t needed = NeighbourGraph::memory_bytes(shape, workers);
  const auto free = available_memory();
  if (!free || needed <= *free) return {};
  return fail(
      ErrorCode::OutOfMemory,
      std::format("an index of {} vectors of {} dimensions takes {:.1f} GB of memory, and {:.1f} GB are free",
                  shape.capacity, shape.axes, static_cast<double>(needed) / 1e9, static_cast<double>(*free) / 1e9));
}

}  // namespace llama::internal
