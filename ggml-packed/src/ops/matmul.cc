#include "ops/matmul.h"

#include <algorithm>
#include <new>

#include "format/passing_panels.h"
#include "format/weight_format.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kFewRows = 8;  // so few that the time is that of reading the weights

// For tiles as many as leave half of a core's second cache to weights and results: they read them that fast.
std::size_t rows_at_once(const Kernels& kernels, const PackedMatrix& weights) {
  constexpr std::size_t kBytes = 1 << 20, kFewest = 128;
  if (!kernels.has_tiles || weights.format() != Format::Bf16) return kRowsAtOnce;
  return std::clamp(kBytes / (weights.columns() * sizeof(std::uint16_t)), kFewest, kRowsAtOnce);
}

// How many rows are multiplied at once with each panel: about as many as may be, since for two rows more a second
// reading of all weights does not pay. Where there are rows enough each thread has its own, so that it reads what it
// has written; with few, a weight would come from memory for each thread anew.
std::size_t rows_of_group(std::size_t rows, std::size_t at_once, std::size_t threads) {
  constexpr std::size_t kFewestOfThread = 64;
  std::size_t groups = std::max<std::size_t>((rows + at_once / 2) / at_once, 1);
  if (groups < threads) {
    groups = std::max(groups, std::min(threads, rows / kFewestOfThread));
  } else {
    groups = (groups + threads - 1) / threads * threads;
  }
  return (rows + groups - 1) / groups;
}

}  // namespace

bool Matmul::takes(const ggml_tensor& node) const {
  if (node.op != GGML_OP_MUL_MAT) return false;
  const ggml_tensor& weights = *node.src[0];
  const ggml_tensor& activations = *node.src[1];
  if (!can_be_packed(weights, kernels_) || !ggml_is_matrix(&weights)) return false;
  return has_f32_rows(activations) && ggml_is_matrix(&activations) && is_dense_f32(node);
}

std::vector<Layout> Matmul::layouts_of(const ggml_tensor& weights) const {
  const Format format = *format_for(weights.type, kernels_);
  std::vector<Layout> layouts;
  if (widen_ && format == Format::Int8) layouts.push_back(layout_for(Format::Bf16, kernels_));
  layouts.push_back(layout_for(format, kernels_));
  return layouts;
}

// Each panel is packed by the thread that multiplies with it, while it is in a core's cache: the same sums.
bool Matmul::multiply_passing(const ggml_tensor& node, const ggml_tensor& result, const Layout& layout,
                              const Output& output, ThreadTeam& team) {
  const ggml_tensor& weights = *node.src[0];
  try {
    PassingPanels panels(weights, layout, team.threads());
    const Activations& activations = prepared_.in_order(*node.src[1], layout.format, result, team);
    const auto rows = static_cast<std::size_t>(node.ne[1]);
    team.for_each_at_home(panels.count(), [&](std::size_t i) {
      panels.with(i, [&](const PackedMatrix& panel) {
        const std::size_t at_once = rows_at_once(kernels_, panel);
        for (std::size_t begin = 0; begin < rows; begin += at_once) {
          const std::size_t end = std::min(rows, begin + at_once);
          const std::byte* next = end == rows ? panels.bytes_of(i + 1) : nullptr;
          kernels_.multiply({.weights = panel, .before = i, .next = next}, activations, begin, end, output);
        }
      });
    });
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

bool Matmul::compute(const ggml_tensor& node, const ggml_tensor& result, const Epilogue& epilogue, ThreadTeam& team) {
  const ggml_tensor& weights = *node.src[0];
  const Output output{.data = floats(result), .stride = static_cast<std::size_t>(weights.ne[1]), .epilogue = epilogue};
  const PackedMatrix* packed = nullptr;
  for (const Layout& layout : layouts_of(weights)) {
    if (weights_.passes(weights, layout)) return multiply_passing(node, result, layout, output, team);
    packed = weights_.find_or_pack(weights, layout, team);
    if (packed != nullptr) break;
  }
  if (packed == nullptr) return false;
  const Activations& activations = prepared_.in_order(*node.src[1], packed->format(), result, team);
  const auto rows = static_cast<std::size_t>(node.ne[1]);
  if (rows <= kFewRows) {
    team.for_shrinking_ranges(packed->panels(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        kernels_.multiply({.weights = *packed, .index = i}, activations, 0, rows, output);
      }
    });
    return true;
  }
  const std::size_t group_rows =
      rows_of_group(rows, rows_at_once(kernels_, *packed), static_cast<std::size_t>(team.threads()));
  const std::size_t groups = (rows - 1) / group_rows + 1;
  const std::size_t panels = packed->panels(), pieces = groups * panels;
  team.for_each_at_home(pieces, [&](std::size_t i) {
    const std::size_t begin = i / panels * group_rows;
    const std::byte* next = i + 1 < pieces ? packed->panel((i + 1) % panels) : nullptr;
    kernels_.multiply({.weights = *packed, .index = i % panels, .next = next}, activations, begin,
                      std::min(rows, begin + group_rows), output);
  });
  return true;
}

}  // namespace ggml_packed
