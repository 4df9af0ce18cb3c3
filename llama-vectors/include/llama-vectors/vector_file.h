// Open a file or folder of vectors, with what it says of where they come from.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/vector_table.h"
#include "llama-vectors/provenance.h"

namespace llama {

class VectorFile {
 public:
  // Errors   those of VectorTable::open and read_provenance; Corrupt: scales for another number of dimensions.
  [[nodiscard]] static Result<VectorFile> open(const VectorInput& input, const std::stop_token& stop = {});

  [[nodiscard]] const VectorTable& table() const { return *table_; }
  // Of the first file; empty where the vectors are not the column that the metadata is about ("embedding").
  [[nodiscard]] const Provenance& provenance() const { return provenance_; }
  [[nodiscard]] std::int32_t dimension() const { return table_->vectors().dimension; }

  // The column with the texts: the one that the file names, else "text", else the only one of text besides our own
  // "text_hash"; "" where none can be told.
  [[nodiscard]] const std::string& text_column() const { return text_column_; }

  // Files of the folder whose vectors cannot be compared with the first's, one line each with the reason: another
  // model, another prompt, other scales. Dimensions and kinds are the same, or it is not opened.
  [[nodiscard]] const std::vector<std::string>& odd_files() const { return odd_files_; }

 private:
  VectorFile() = default;
  Result<void> compare_files();
  std::shared_ptr<const VectorTable> table_;
  Provenance provenance_;
  std::string text_column_;
  std::vector<std::string> odd_files_;
};

}  // namespace llama
