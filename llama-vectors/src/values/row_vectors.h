// Bring the vectors of some rows into memory, as they are stored.
//
// Threads  a RowVectors is read by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"

namespace llama::internal {

class RowVectors {
 public:
  // rows: rising, each once.
  //
  // Errors   those of VectorReader.
  // Memory   vector_bytes() of each row, and a batch for each worker.
  // Cost     the pieces that the rows lie in are read, each up to its last wanted row, by `workers` threads.
  [[nodiscard]] static Result<RowVectors> read(const VectorFile& file, std::span<const std::uint64_t> rows,
                                               std::size_t workers, const std::stop_token& stop);

  [[nodiscard]] std::size_t size() const { return has_.size(); }
  // Of rows[i] as given; nullptr: it has none.
  [[nodiscard]] const std::byte* vector(std::size_t i) const {
    return has_[i] != 0 ? bytes_.data() + i * stride_ : nullptr;
  }

 private:
  RowVectors() = default;
  std::size_t stride_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<char> has_;  // no vector<bool>: threads write to neighbours
};

// The same as numbers of length 1, to multiply with each other.
class UnitVectors {
 public:
  UnitVectors(std::size_t count, std::size_t dimension);
  [[nodiscard]] static UnitVectors of(const VectorFile& file, const RowVectors& rows);

  // Sets vector i. False: it has no direction (zeros, not finite, nullptr), and is zeros here.
  bool set(std::size_t i, const double* values);
  bool set(std::size_t i, std::span<const float> values);

  [[nodiscard]] std::size_t count() const { return has_.size(); }
  [[nodiscard]] std::size_t length() const { return length_; }  // doubles of one, zeros at its end
  [[nodiscard]] bool has(std::size_t i) const { return has_[i] != 0; }
  [[nodiscard]] const double* vector(std::size_t i) const { return values_.data() + i * length_; }

 private:
  std::size_t length_;
  std::vector<char> has_;
  std::vector<double> values_;
};

}  // namespace llama::internal
