// Measure how many of the best rows an index finds: by a sample of its own rows, asked exactly and of the index.
#pragma once

#include <stop_token>

#include "index/index_content.h"

namespace llama::internal {

// Sets content.recalls and content.sampled. The sample: 200 rows that are evenly spaced among those that have a vector,
// the i-th of them number i · vectors / 200; all where there are fewer.
//
// Errors   those of VectorReader and NeighbourGraph.
// Cost     the file is read once, and multiplied with every row of the sample.
[[nodiscard]] Result<void> measure_index(const VectorFile& file, IndexContent& content,
                                         const IndexBuildOptions& options, const std::stop_token& stop);

}  // namespace llama::internal
