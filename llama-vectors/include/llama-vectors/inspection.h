// Look at a whole file of vectors once, and say what is in it and what is wrong.
//
// Memory   32 bytes for each row, to tell equal texts and vectors by 64-bit digests, up to a limit: beyond it a share
//          of the digests is kept and the counts are estimates. A sample of vectors for similarities. A block for each
//          thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/histogram.h"
#include "llama-vectors/vector_file.h"

namespace llama {

struct InspectOptions {
  std::optional<std::string> text_column;               // nothing: file.text_column()
  std::size_t sample = 2'000;                           // rows whose similarities are computed
  std::uint64_t seed = 1;                               // of the sample
  std::uint64_t digest_bytes = std::uint64_t{1} << 30;  // for digests
  int threads = 0;                                      // 0: as many as the machine has
  std::function<void(std::uint64_t rows)> on_progress;  // looked at so far; by any thread, one at a time
};

struct Distribution {
  std::uint64_t count = 0;
  double least = 0, greatest = 0, mean = 0;
  Histogram histogram;
};

// Equal vectors of different texts.
struct SharedVectors {
  std::uint64_t vectors = 0;  // different ones
  std::uint64_t rows = 0;     // that have one of those
  // Two rows with different texts, of some of them; those with the lowest rows first.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> examples;
};

struct Inspection {
  std::uint64_t rows = 0;
  // rows = vectors + nulls + other_lengths + non_finite
  std::uint64_t vectors = 0;  // finite, zeros among them
  std::uint64_t nulls = 0, other_lengths = 0, non_finite = 0;
  std::uint64_t zeros = 0;   // all values 0
  Distribution norms;        // of the vectors
  std::string token_column;  // "sequence_length", "token_count"; "" where there is none
  std::optional<Distribution> tokens;
  std::optional<std::uint64_t> truncated;  // rows: as their column says, else those with as many tokens as the limit

  std::string text_column;  // "" where there is none
  std::uint64_t null_texts = 0;
  std::uint64_t duplicate_texts = 0;    // rows whose text has come before
  std::uint64_t duplicate_vectors = 0;  // rows whose vector has come before
  SharedVectors shared;
  std::uint64_t counted_share = 1;  // of digests: one in so many; then these four are estimates
  std::uint64_t digest_bytes = 0;   // of memory that the digests took

  // Cosines in the sample. Where it is smaller than the file a row's nearest may be nearer than here.
  std::size_t sampled = 0;
  std::optional<Distribution> pairs;       // of each two rows
  std::optional<Distribution> neighbours;  // of each row and its nearest other
};

// Errors   InvalidArgument: there is no such column, or it holds numbers; those of VectorReader.
// Cost     every vector and text is read once; sample² products.
[[nodiscard]] Result<Inspection> inspect_vectors(const VectorFile& file, const InspectOptions& options,
                                                 const std::stop_token& stop = {});

enum class FindingKind {
  Nulls,
  OtherLengths,
  NonFinite,
  Zeros,
  SharedVectors,   // different texts with one vector: cut at the length limit, or read as nothing
  Collapsed,       // nearly all vectors point the same way
  NotNormalized,   // their lengths differ, though all are to be 1
  LengthsDiffer,   // they were not scaled to length 1: cosine is right, and dot products are not
  OtherDimension,  // than the metadata says
  OddFiles,        // of a folder: of another model than the first
  Truncated,       // texts that were cut
};

// What somebody should know before the vectors are used; one line each, for people. Findings of the last two kinds of
// lengths and of cut texts may be as they were meant.
struct Finding {
  FindingKind kind;
  std::string message;
  bool is_fault = true;  // false: it may be as it was meant
};

// Pure.
[[nodiscard]] std::vector<Finding> findings_of(const Inspection& inspection, const VectorFile& file);

}  // namespace llama
