// Keep a weight matrix in the order in which the kernels read it.
//
// Shape    rows() outputs of columns() inputs each, as ggml's ne[1] and ne[0]. The rows lie in panels of panel_rows():
//          for each step along the columns the values of all rows of a panel are neighbours. The last panel is filled
//          up with zeros.
// Threads  any, between two pack().
// Cost     of packing: weights are read once and written once, and memory that is new is cleared by the system before.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <ggml.h>

#include "format/block.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

enum class Format {
  Int8,  // blocks of 32 with a float16 scale each: Q8_0 as it is, other quantized types as Q8_0
  Int4,  // blocks of 32 with a float16 scale and a float16 minimum each: Q4_0, Q4_1, Q4_K
  Bf16,
  F32,
};

// How the int8 kernel wants a weight: with VNNI the unsigned operand is the weight. With sums: after all panels stands,
// for each panel, block and row, the sum of the negative ones in 16 bits. (Not after each panel: a stream of one
// conversation, which does not read them, was a fifth slower so.)
enum class Int8Sign { PlusTo128, Signed, SignedWithSums };

// Everything that decides which bytes a weight becomes.
struct Layout {
  Format format = Format::F32;
  std::size_t panel_rows = 0;
  Int8Sign int8_sign = Int8Sign::Signed;
  std::uint32_t int8_group = 4;  // columns of a row that are neighbours, of 8 and 4 bits: a divisor of 16
  auto operator<=>(const Layout&) const = default;
};

class PackedMatrix {
 public:
  // Memory for weights of so many rows at most.
  //
  // Errors   std::bad_alloc.
  PackedMatrix(const Layout& layout, std::size_t most_rows, std::size_t columns);

  // The same, packed.
  PackedMatrix(const ggml_tensor& weights, const Layout& layout, ThreadTeam& team);

  // In place of what was packed before.
  //
  // Requires a contiguous matrix in host memory, of a type that can become the format.
  void pack(const ggml_tensor& weights, ThreadTeam& team);

  // Bytes that a matrix takes.
  [[nodiscard]] static std::size_t size_of(const Layout& layout, std::size_t rows, std::size_t columns);

  [[nodiscard]] Format format() const { return layout_.format; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t panel_rows() const { return layout_.panel_rows; }
  [[nodiscard]] std::size_t panels() const { return (rows_ + layout_.panel_rows - 1) / layout_.panel_rows; }
  [[nodiscard]] const std::byte* panel(std::size_t index) const { return data_.get() + index * panel_bytes_; }
  [[nodiscard]] std::size_t panel_bytes() const { return panel_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return size_of(layout_, rows_, columns_); }
  // Of a panel: for each block its rows' sums. nullptr where the layout has none.
  [[nodiscard]] const std::int16_t* negative_sums(std::size_t panel) const {
    return has_sums(layout_) ? reinterpret_cast<const std::int16_t*>(data_.get() + sums_begin(panel)) : nullptr;
  }

 private:
  [[nodiscard]] static bool has_sums(const Layout& layout) {
    return layout.format == Format::Int8 && layout.int8_sign == Int8Sign::SignedWithSums;
  }
  // In bytes from the beginning.
  [[nodiscard]] std::size_t sums_begin(std::size_t panel) const {
    return panels() * panel_bytes_ + panel * (columns_ / kBlock * layout_.panel_rows) * sizeof(std::int16_t);
  }
  void pack_int8(const std::byte* rows, std::size_t row_size, std::size_t count, std::size_t panel);
  void pack_int4(const std::byte* rows, std::size_t row_size, enum ggml_type type, std::size_t count,
                 std::size_t panel);
  void pack_floats(const ggml_tensor& weights, std::size_t panel);

  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };

  Layout layout_;
  std::size_t rows_, columns_, panel_bytes_;
  std::unique_ptr<std::byte, Free> data_;
};

}  // namespace ggml_packed
