// Find rows whose vectors point nearly the same way, and group them.
//
// Two rows are of one group where their cosine is at least the threshold, or where a chain of such pairs joins them. Of
// each group the first row is kept. Equal vectors are found by their bytes. Of the others pairs are sought by hashing:
// the sides of random hyperplanes on which a vector lies are the bits of a number, and vectors with the same number in
// one of several tables are compared exactly. So what is joined is near, and a near pair is missed with a known
// probability, which falls with its nearness.
//
// Source   Charikar, "Similarity estimation techniques from rounding algorithms", 2002: two vectors at an angle t lie
//          on one side of a random hyperplane with the probability 1 - t/pi. Several tables of several bits: Indyk and
//          Motwani, "Approximate nearest neighbors", 1998.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"

namespace llama {

// How pairs are sought. bits 0: every row is compared with every other, and nothing is missed.
struct HashPlan {
  int bits = 0, tables = 1;
  // With what probability a pair is found whose cosine is this; 1 without bits.
  [[nodiscard]] double recall(double cosine) const;
  friend bool operator==(const HashPlan&, const HashPlan&) = default;
};

// The cheapest plan that finds pairs at the threshold with this probability at least. cosines: of random pairs, which
// say how many rows that are not near share a number.
// Requires 0 < recall < 1. Pure.
[[nodiscard]] HashPlan choose_hash_plan(std::uint64_t rows, double threshold, double recall,
                                        std::span<const double> cosines);

struct DuplicateOptions {
  double threshold = 0.97;                             // least cosine of a pair
  double recall = 0.99;                                // of pairs at the threshold; ignored with a plan
  std::uint64_t seed = 1;                              // of the hyperplanes; the same seed gives the same groups
  std::optional<HashPlan> plan;                        // nothing: choose_hash_plan()
  std::uint64_t vector_bytes = 1 << 30;                // of vectors that are held in memory; more are held in a file
  std::filesystem::path scratch_folder;                // where that file is, which has no name
  int threads = 0;                                     // 0: as many as the machine has
  std::function<void(std::uint64_t)> on_rows;          // read so far; by any thread, one at a time
  std::function<void(int done, int tables)> on_table;  // searched so far
};

struct DuplicateGroups {
  std::vector<std::uint64_t> group;  // of each row: the first row of its group, itself where it is alone
  std::vector<bool> has_vector;      // false: no vector or none with a direction; such a row is alone
  std::uint64_t without_vector = 0;
  std::uint64_t groups = 0;      // of more than one row
  std::uint64_t duplicates = 0;  // rows that are not their group's first
  std::uint64_t largest = 0;     // rows of the largest group
  std::uint64_t equal = 0;       // duplicates whose vector is the same, byte for byte, as an earlier one
  HashPlan plan;
  double recall = 1;               // of the plan, at the threshold
  std::uint64_t memory_bytes = 0;  // at most, without what reading takes
  std::uint64_t scratch_bytes = 0;
};

// Errors   InvalidArgument: a threshold that is not above 0 and at most 1, a plan out of range; NoSpace, Io: the
//          scratch file; OutOfMemory; those of VectorReader.
// Memory   40 bytes for each row; the vectors as they are stored, or a file with them.
// Cost     vectors are read once. Each table costs `bits` products for each different vector, and one for each pair
//          that shares a number there and is not of one group already.
[[nodiscard]] Result<DuplicateGroups> find_duplicates(const VectorFile& file, const DuplicateOptions& options,
                                                      const std::stop_token& stop = {});

}  // namespace llama
