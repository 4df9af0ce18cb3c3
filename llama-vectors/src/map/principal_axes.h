// Turn unit vectors into their coordinates along the directions in which they vary most.
//
// The directions come from at most 20,000 rows, evenly taken, by subspace iteration: a few random directions are
// multiplied by the covariance (which is never formed) and made orthogonal again, until they are its largest ones.
//
// Source   N. Halko, P. Martinsson, J. Tropp, "Finding structure with randomness", SIAM Review 53 (2011), 4.4.
// Cost     of the directions 8 passes over the sample; of the coordinates rows × dimension × axes products.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "llama-vectors/map_projection.h"

namespace llama::internal {

struct Coordinates {
  std::size_t axes = 0;
  std::vector<float> values;  // rows × axes, the largest axis first
};

// scales: what makes each row a unit vector. Empty coordinates where it was stopped.
[[nodiscard]] Coordinates principal_coordinates(const VectorMatrix& vectors, const std::vector<float>& scales,
                                                std::size_t axes, const ProjectionOptions& options,
                                                const std::stop_token& stop);

}  // namespace llama::internal
