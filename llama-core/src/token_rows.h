// Read the vectors that a model's tokens enter it with, by the type of each token.
//
// BERT adds three vectors for a token: its own, its position's, and that of its type: the first type for the first text
// of a pair, the second for the second. llama.cpp adds the first type's to all tokens. So one of the second text is
// handed over as its own vector + the second type's - the first's, and llama.cpp adds the rest.
// Threads  one at a time.
// Memory   two vectors; the table of tokens stays in the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"
#include "tensor_place.h"

namespace llama::internal {

class TokenRows {
 public:
  // files: one, or all parts of a split model.
  //
  // Errors   InvalidModel: a file that cannot be read again; one without two types of tokens.
  [[nodiscard]] static Result<TokenRows> open(std::span<const std::filesystem::path> files);

  // Shape    dimension() numbers for each token, one token after the other.
  // Errors   InvalidModel: the file ends, a token is outside its table.
  [[nodiscard]] Result<std::vector<float>> read(std::span<const Token> tokens, const std::vector<bool>& is_second);

  [[nodiscard]] std::size_t dimension() const { return difference_.size(); }

 private:
  // A matrix in a file, whose rows are read one at a time.
  struct Table {
    TensorPlace place;
    std::ifstream file;
    std::vector<char> bytes;  // of a row
    [[nodiscard]] static Result<Table> open(std::span<const std::filesystem::path> files, const char* tensor);
    [[nodiscard]] Result<void> read_row(std::size_t row, std::span<float> out);
  };
  TokenRows() = default;
  Table tokens_;
  std::vector<float> difference_;  // of the second type from the first
};

}  // namespace llama::internal
