// Compare two files of vectors over the same texts: another model, another quantization, another prompt.
//
// Texts are matched by their MD5, whatever their order; of texts that come several times the first row with a vector
// counts. Cosines between the two files' vectors mean something where both are of one model (or two quantizations of
// one); which texts are near each other can be compared always.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/inspection.h"
#include "llama-vectors/neighbour_agreement.h"
#include "llama-vectors/vector_file.h"

namespace llama {

struct CompareOptions {
  std::optional<std::string> text_column;                 // of both; nothing: each file's own, where it has no hashes
  std::string hash_column = "text_hash";                  // MD5 of the text, in hex; computed where it is missing
  std::size_t sample = 1'000;                             // texts whose neighbours are compared
  std::uint64_t seed = 1;                                 // of the sample
  std::size_t k = 10;                                     // neighbours
  std::size_t max_moved = 10;                             // texts that moved most
  std::uint64_t vector_bytes = std::uint64_t{256} << 20;  // of vectors in memory at once
  int threads = 0;                                        // 0: as many as the machine has
  std::function<void(std::uint64_t texts)> on_progress;   // compared so far
};

struct MovedText {
  std::uint64_t row_a = 0, row_b = 0;
  std::optional<double> cosine;   // between its two vectors
  std::optional<double> overlap;  // of its neighbours, where it is in the sample
};

// Why the vectors of two files are not compared with each other; empty: they are.
[[nodiscard]] std::string why_no_cosine(const VectorFile& a, const VectorFile& b);

// What the files say differently of where they come from, one line each: "pooling: mean, cls".
[[nodiscard]] std::vector<std::string> provenance_differences(const VectorFile& a, const VectorFile& b);

struct FileComparison {
  std::uint64_t rows_a = 0, rows_b = 0;
  std::uint64_t texts_a = 0, texts_b = 0;  // different ones with a vector
  std::uint64_t in_both = 0, only_a = 0, only_b = 0;
  std::string no_cosine;                // why_no_cosine()
  std::optional<Distribution> cosines;  // of all texts in both that have a direction in both
  std::uint64_t without_direction = 0;  // texts in both: zeros, NaN in one of them
  NeighbourAgreement neighbours;        // of the sample
  std::vector<MovedText> moved;         // by cosine, the lowest first; without cosines by overlap
};

// Errors   InvalidArgument: a file with neither hashes nor texts; those of VectorReader.
// Memory   24 bytes for each row of both files, and options.vector_bytes.
// Cost     the columns with hashes (or texts) and vectors are read once; vectors again, of each file once where the
//          texts come in one order in both, else the second once for each options.vector_bytes / 2 of them.
[[nodiscard]] Result<FileComparison> compare_files(const VectorFile& a, const VectorFile& b,
                                                   const CompareOptions& options, const std::stop_token& stop = {});

}  // namespace llama
