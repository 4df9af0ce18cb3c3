#include "kernels/block_products.h"

#ifdef GGML_PACKED_ONEDNN

#include <oneapi/dnnl/dnnl_ukernel.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace ggml_packed {
namespace {

using dnnl::memory;
using dnnl::ukernel::brgemm;

struct Shape {
  std::size_t rows, columns, stride;
  bool operator==(const Shape&) const = default;
};

class Code {
 public:
  // Errors   dnnl::error.
  explicit Code(const Shape& shape)
      : shape_(shape),
        product_(dim(shape.rows), dim(BlockProducts::kWidth), dim(shape.columns), 1, dim(shape.stride),
                 dim(BlockProducts::kWidth), dim(BlockProducts::kWidth), memory::data_type::bf16,
                 memory::data_type::bf16, memory::data_type::f32) {
    product_.set_add_C(false);
    if (!product_.finalize()) throw dnnl::error(dnnl_unimplemented, "no block product of this shape");
    product_.generate();
    scratch_.resize(product_.get_scratchpad_size());
  }

  [[nodiscard]] const Shape& shape() const { return shape_; }
  void set_up() const { product_.set_hw_context(); }
  void run(const std::uint16_t* x, const std::byte* panel, float* sums) {
    static const std::vector<std::pair<memory::dim, memory::dim>> kOne = {{0, 0}};
    product_.execute(x, panel, kOne, sums, scratch_.data());
  }

 private:
  static memory::dim dim(std::size_t size) { return static_cast<memory::dim>(size); }

  Shape shape_;
  brgemm product_;
  std::vector<std::byte> scratch_;
};

// Some dozen: a model has few widths.
thread_local std::vector<std::unique_ptr<Code>> codes;

Code& code_for(const Shape& shape) {
  const auto found = std::ranges::find(codes, shape, [](const auto& code) { return code->shape(); });
  return found != codes.end() ? **found : *codes.emplace_back(std::make_unique<Code>(shape));
}

bool can_multiply() {
  if (brgemm::get_B_pack_type(memory::data_type::bf16, memory::data_type::bf16) != dnnl::ukernel::pack_type::pack32) {
    return false;
  }
  try {
    const Code trial({.rows = 16, .columns = 64, .stride = 64});
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

bool BlockProducts::are_here() {
  static const bool kHere = can_multiply();
  return kHere;
}

bool BlockProducts::have_tiles() {
  constexpr unsigned kTiles = dnnl_cpu_isa_avx512_core_amx;  // a newer one has the bits of the older ones
  return (static_cast<unsigned>(dnnl_get_effective_cpu_isa()) & kTiles) == kTiles;
}

BlockProducts::~BlockProducts() {
  if (set_up_for_ == nullptr) return;
  (void)dnnl_brgemm_release_hw_context();  // where that fails they stay in use
}

bool BlockProducts::multiply(const std::uint16_t* x, std::size_t stride, std::size_t rows, std::size_t columns,
                             const std::byte* panel, float* sums) {
  try {
    Code& code = code_for({.rows = rows, .columns = columns, .stride = stride});
    if (set_up_for_ != &code) code.set_up();
    set_up_for_ = &code;
    code.run(x, panel, sums);
    return true;
  } catch (const dnnl::error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace ggml_packed

#else

namespace ggml_packed {

bool BlockProducts::are_here() { return false; }
bool BlockProducts::have_tiles() { return false; }
BlockProducts::~BlockProducts() = default;
bool BlockProducts::multiply(const std::uint16_t*, std::size_t, std::size_t, std::size_t, const std::byte*, float*) {
  return false;
}

}  // namespace ggml_packed

#endif

namespace ggml_packed {

std::size_t BlockProducts::rows_of(std::size_t left) {
  constexpr std::size_t kTile = 16;
  for (std::size_t rows = kMaxRows; rows >= kTile; rows /= 2) {
    if (left >= rows) return rows;
  }
  return left;
}

}  // namespace ggml_packed
