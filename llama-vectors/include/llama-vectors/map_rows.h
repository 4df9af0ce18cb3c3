// Read what a map shows of a table: vectors as float32, texts, columns.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/map_page.h"
#include "llama-vectors/map_projection.h"
#include "llama-vectors/vector_file.h"

namespace llama {

struct MapRowsOptions {
  std::optional<std::uint64_t> sample;  // so many rows at most, each as likely as any other
  std::uint64_t seed = 1;               // of the sample
  std::string text_column;              // "": the file's; texts are empty where it has none
  std::size_t cell_bytes = 2000;        // of a text or cell that are kept
};

struct MapRows {
  std::size_t dimension = 0;
  std::vector<float> vectors;       // of the rows that have one, in the table's order
  std::vector<std::uint32_t> rows;  // their numbers in the table
  std::vector<std::string> texts;
  std::vector<MapColumn> columns;    // texts and numbers, but for the column of texts and text_hash
  std::uint64_t without_vector = 0;  // rows that are left out: null, not finite, or all zeros

  [[nodiscard]] VectorMatrix matrix() const { return {.values = vectors, .dimension = dimension}; }
};

// Errors   InvalidArgument: no such column of texts, more than 2^31 rows, no row with a vector; those of VectorReader.
// Cost     one pass over the file; memory for what is kept.
[[nodiscard]] Result<MapRows> read_map_rows(const VectorFile& file, const MapRowsOptions& options,
                                            const MapProgress& progress = {}, const std::stop_token& stop = {});

}  // namespace llama
