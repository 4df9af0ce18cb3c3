// Small questions about ggml's tensors.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ggml_packed {

[[nodiscard]] inline bool only_names_memory(const ggml_tensor& t) {
  return t.op == GGML_OP_NONE || t.op == GGML_OP_RESHAPE || t.op == GGML_OP_VIEW || t.op == GGML_OP_PERMUTE ||
         t.op == GGML_OP_TRANSPOSE;
}
[[nodiscard]] inline bool is_dense_f32(const ggml_tensor& t) {
  return t.type == GGML_TYPE_F32 && ggml_is_contiguous(&t);
}
[[nodiscard]] inline bool has_f32_rows(const ggml_tensor& t) {
  return t.type == GGML_TYPE_F32 && t.nb[0] == sizeof(float) && t.nb[1] % sizeof(float) == 0;
}
[[nodiscard]] inline const float* f32_row(const ggml_tensor& t, std::size_t index) {
  const auto n1 = static_cast<std::size_t>(t.ne[1]), n2 = static_cast<std::size_t>(t.ne[2]);
  return reinterpret_cast<const float*>(static_cast<const std::byte*>(t.data) + index % n1 * t.nb[1] +
                                        index / n1 % n2 * t.nb[2] + index / n1 / n2 * t.nb[3]);
}
// A tensor's rows one after the other, from the first-th on: finding one by its number takes four divisions, as long as
// copying a short row.
class RowWalk {
 public:
  RowWalk(const ggml_tensor& t, std::size_t first) : t_(t) {
    const auto n1 = static_cast<std::size_t>(t.ne[1]), n2 = static_cast<std::size_t>(t.ne[2]);
    i1_ = static_cast<std::int64_t>(first % n1);
    i2_ = static_cast<std::int64_t>(first / n1 % n2);
    i3_ = static_cast<std::int64_t>(first / n1 / n2);
    find();
  }
  [[nodiscard]] std::byte* operator*() const { return at_; }
  void operator++() {
    at_ += t_.nb[1];
    if (++i1_ < t_.ne[1]) return;
    i1_ = 0;
    if (++i2_ == t_.ne[2]) {
      i2_ = 0;
      ++i3_;
    }
    find();
  }

 private:
  void find() {
    at_ = static_cast<std::byte*>(t_.data) + static_cast<std::size_t>(i1_) * t_.nb[1] +
          static_cast<std::size_t>(i2_) * t_.nb[2] + static_cast<std::size_t>(i3_) * t_.nb[3];
  }
  const ggml_tensor& t_;
  std::int64_t i1_, i2_, i3_;
  std::byte* at_ = nullptr;
};

// One value for each position of a row.
[[nodiscard]] inline bool is_f32_vector(const ggml_tensor& t, std::int64_t size) {
  return is_dense_f32(t) && t.ne[0] == size && ggml_nelements(&t) == size;
}
[[nodiscard]] inline float* floats(const ggml_tensor& t) { return static_cast<float*>(t.data); }
[[nodiscard]] inline float float_parameter(const ggml_tensor& t, std::size_t index) {
  float value;
  std::memcpy(&value, &t.op_params[index], sizeof value);
  return value;
}

[[nodiscard]] inline bool overlap(const ggml_tensor& a, const ggml_tensor& b) {
  const auto* x = static_cast<const std::byte*>(a.data);
  const auto* y = static_cast<const std::byte*>(b.data);
  return x < y + ggml_nbytes(&b) && y < x + ggml_nbytes(&a);
}
// May `out` be written while `in` is read, place by place?
[[nodiscard]] inline bool can_write_over(const ggml_tensor& out, const ggml_tensor& in) {
  return !overlap(out, in) || (out.data == in.data && ggml_are_same_stride(&out, &in));
}

}  // namespace ggml_packed
