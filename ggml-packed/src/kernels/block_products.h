// Products of some rows of bfloat16 with a panel of weights, by oneDNN's block product (BRGeMM). It knows the tile
// registers of Intel's server CPUs (AMX), and writes its code for a shape when that is first asked.
//
// Shape    x: rows of bfloat16, `stride` values apart; panel: kWidth rows of weights, pairs of columns side by side, as
//          PackedMatrix has them; sums: rows of kWidth float32, one after the other.
// Threads  an object is one thread's; each thread has code of its own.
// Source   oneDNN 3.12, dnnl_ukernel.hpp: brgemm, and pack_type::pack32 for the panel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ggml_packed {

class BlockProducts {
 public:
  static constexpr std::size_t kWidth = 32, kMaxRows = 64;

  // Was oneDNN there when this was built, and does it do these products on this CPU?
  [[nodiscard]] static bool are_here();
  // With tile registers? Then they are several times as fast as products of 8 bits without.
  [[nodiscard]] static bool have_tiles();

  BlockProducts() = default;
  ~BlockProducts();  // tile registers that are in use make a switch to another thread slow
  BlockProducts(const BlockProducts&) = delete;
  BlockProducts& operator=(const BlockProducts&) = delete;

  // How many of `left` rows are best computed next: there is not code for every number.
  [[nodiscard]] static std::size_t rows_of(std::size_t left);

  // Requires rows as rows_of() has them, an even number of columns.
  //
  // Errors   false: no memory for the code. Nothing was computed.
  [[nodiscard]] bool multiply(const std::uint16_t* x, std::size_t stride, std::size_t rows, std::size_t columns,
                              const std::byte* panel, float* sums);

 private:
  const void* set_up_for_ = nullptr;  // the code that the registers are set up for
};

}  // namespace ggml_packed
