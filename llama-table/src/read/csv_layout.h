// Find out how the CSV files of one input are written: all alike, as their first lines say (csv_header.h).
//
// Errors   NotFound, Io, InvalidText (no header line), InvalidArgument (files of different columns or ways of writing),
//          Network, Cancelled.
#pragma once

#include <optional>
#include <stop_token>

#include "llama-base/error.h"
#include "read/byte_reader.h"
#include "read/csv_header.h"
#include "read/database.h"
#include "read/input_files.h"

namespace llama::internal {

struct CsvLayout {
  CsvHeader header;
  Packing packing = Packing::None;
  bool is_utf16 = false;
};

// What the reader has shown stays there to be read. separator: as the caller has it.
[[nodiscard]] Result<CsvLayout> csv_layout_of(InputBytes& reader, std::optional<char> separator,
                                              const std::stop_token& stop);

// All files have the header of the first.
[[nodiscard]] Result<CsvLayout> common_csv_layout(DuckDatabase& database, const InputFiles& files,
                                                  std::optional<char> separator, const std::stop_token& stop);

}  // namespace llama::internal
