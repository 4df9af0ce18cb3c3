// Products of packed weights with activations, and what follows them in the same pass over the results.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <vector>

#include "kernels.h"
#include "thread_team.h"
#include "weight_cache.h"
#include "weight_format.h"

namespace ggml_packed {

class Matmul {
 public:
  explicit Matmul(const Kernels& kernels) : kernels_(kernels) {}

  // A MUL_MAT of a model's weights of a type that we pack?
  [[nodiscard]] bool takes(const ggml_tensor& node) const;
  // False where there is no memory for the packed weights: nothing was computed.
  [[nodiscard]] bool compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue,
                             ThreadTeam& team);
  // The activations of the last graph are not those of the next.
  void begin_graph() { prepared_from_ = nullptr; }

 private:
  const Activations& prepare(const ggml_tensor& activations, Format format, ThreadTeam& team);

  const Kernels& kernels_;
  WeightCache weights_;
  const ggml_tensor* prepared_from_ = nullptr;
  Format prepared_format_ = Format::F32;
  Activations prepared_;
  std::vector<std::int8_t> int8_;
  std::vector<BlockScale> scales_;
  std::vector<std::uint16_t> bf16_;
  std::vector<float> f32_;
};

}  // namespace ggml_packed
