// Check that a file of vectors is right: every text against its MD5, and some vectors against what the model gives.
//
// A vector is wrong where it points elsewhere or has another length than the tolerance allows; where a single value is
// off by much more than all the others; where one is not of the code or the bit that its number becomes; and, where the
// vectors were made by the same kernels as now and nearly all of the sample are the same bit for bit, where it is not.
//
// Threads  one call at a time per model; files are read by any number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row.h"
#include "llama-vectors/vector_file.h"

namespace llama {

// The model's vectors for some rows, whole (before any cut) and scaled as the file says. A row's cells are its text,
// then those of VerifyOptions::more_columns. A row's own error says that the model has no vector for it.
using ComputeVectors = std::function<Result<std::vector<Result<std::vector<float>>>>(std::span<const Row> rows)>;

struct VerifyOptions {
  std::optional<std::string> text_column;       // nothing: file.text_column()
  std::string hash_column = "text_hash";        // MD5 of the text, in hex
  std::vector<std::string> more_columns;        // what the prompt needs besides the text
  std::optional<std::uint64_t> sample = 200;    // rows whose vectors are computed again; nothing: all
  std::uint64_t seed = 1;                       // of the sample
  ComputeVectors compute;                       // nothing: texts alone
  double least_cosine = 0.9999;                 // to the stored vector; lengths may differ as much
  bool compares_lengths = true;                 // false: it is not known whether vectors were scaled to length 1
  bool gives_same_bits = false;                 // as when the file was made, whatever a text's neighbours are
  std::size_t max_listed = 1'000;               // wrong rows with their details
  int threads = 0;                              // 0: as many as the machine has
  std::function<void(std::uint64_t)> on_rows;   // read so far; by any thread, one at a time
  std::function<void(std::uint64_t)> on_check;  // vectors computed so far
};

enum class WrongKind {
  Text,         // its MD5 is not what the file says
  NoHash,       // a text without its MD5, or an MD5 without a text
  NonFinite,    // NaN or infinity in the vector
  OtherLength,  // a list of another length
  Vector,       // the model gives another one
  OneValue,     // one of its values is another
  LastBits,     // it differs in its last bits, where the others do not
  NoVector,     // the model has no vector for this text
};

struct WrongRow {
  std::uint64_t row = 0;
  WrongKind kind = WrongKind::Text;
  std::string what;              // for people: "cosine 0.9312 to the model's vector"
  std::optional<double> cosine;  // of vectors that were computed again
  std::string text;              // its beginning
};

struct Verification {
  std::uint64_t rows = 0;
  std::string text_column, hash_column;  // "": there is none, and no text was checked
  std::uint64_t texts = 0;               // whose MD5 was computed
  std::uint64_t other_md5s = 0;          // of those, another one than the file says
  std::uint64_t without_md5 = 0;         // rows with a text and no MD5, or an MD5 and no text
  std::uint64_t null_texts = 0;
  std::uint64_t nulls = 0, zeros = 0;  // vectors; both may be as they were meant
  std::uint64_t non_finite = 0, other_lengths = 0;

  std::uint64_t sampled = 0;    // rows that were chosen
  std::uint64_t computed = 0;   // of those, with a vector in the file and from the model
  std::uint64_t same_bits = 0;  // of those, equal in every bit
  bool is_exact = false;        // others than those are wrong: LastBits
  double lowest_cosine = 1;     // of those computed

  std::uint64_t wrong_texts = 0, wrong_vectors = 0;  // rows
  std::vector<WrongRow> wrong;                       // the first of them, by row

  [[nodiscard]] bool is_right() const { return wrong_texts == 0 && wrong_vectors == 0; }
};

// Errors   InvalidArgument: no such column, no texts to compute from, a model of another dimension, int8 vectors
//          without scales; those of VectorReader and of `compute`.
// Memory   a batch for each thread, and a thousand rows of the sample.
// Cost     the file is read once, and the pieces with rows of the sample again; the model computes the sample.
[[nodiscard]] Result<Verification> verify_vectors(const VectorFile& file, const VerifyOptions& options,
                                                  const std::stop_token& stop = {});

}  // namespace llama
