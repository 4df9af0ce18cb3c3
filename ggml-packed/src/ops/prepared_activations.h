// Rows of activations in the form that a format's kernel reads, made once for neighbouring products that read the same.
//
// Threads  one at a time.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "ops/routing.h"
#include "plugin/thread_team.h"

namespace ggml_packed {

class PreparedActivations {
 public:
  explicit PreparedActivations(const Kernels& kernels) : kernels_(kernels) {}

  // Row m of float32 values becomes row m. Valid until the next call, and as long as x is where they are float32.
  // result   what is written while they are read: float32 are read where they are unless it lies there too.
  const Activations& in_order(const ggml_tensor& x, Format format, const ggml_tensor& result, ThreadTeam& team);
  // A row for each pair of the routing, at the pair's place: x has a row for each pair, or one for each token, which
  // all of its pairs get. Requires that whoever calls reads the routing anew for other ids.
  const Activations& by_expert(const ggml_tensor& x, Format format, const ggml_tensor& ids, const Routing& routing,
                               ThreadTeam& team);
  // The activations of the last graph are not those of the next.
  void begin_graph() { from_ = nullptr; }

 private:
  // Row m becomes the rows places[m * copies], …, places[(m + 1) * copies - 1]; or row m, where there are no places.
  void store(const ggml_tensor& x, Format format, std::span<const std::uint32_t> places, ThreadTeam& team);
  void store_row(const float* x, std::size_t columns, Format format, std::size_t row);
  void copy_row(Format format, std::size_t from, std::size_t to);

  const Kernels& kernels_;
  const ggml_tensor* from_ = nullptr;
  const ggml_tensor* ids_ = nullptr;  // of by_expert()
  Format format_ = Format::F32;
  bool are_copied_ = true;
  Activations prepared_;
  std::vector<std::int8_t> int8_;
  std::vector<BlockScale> scales_;
  std::vector<std::uint16_t> bf16_;
  std::vector<float> f32_;
};

}  // namespace ggml_packed
