#include "ops/prepared_activations.h"

#include <algorithm>
#include <numeric>

#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

template <class Value>
void grow(std::vector<Value>& values, std::size_t size) {
  if (values.size() < size) values.resize(size);
}

// Those of 4-bit weights are the same as of 8-bit ones.
Format without_int4(Format format) { return format == Format::Int4 ? Format::Int8 : format; }

// Do rows that are multiplied at once lie in different places of the first cache? (row_stride())
bool has_spread_rows(const ggml_tensor& x) {
  constexpr std::size_t kPlaces = 4096, kLine = 64, kFewestApart = 2;
  return kPlaces / std::gcd(x.nb[1], kPlaces) >= kFewestApart && x.nb[1] >= kLine;
}

}  // namespace

const Activations& PreparedActivations::in_order(const ggml_tensor& x, Format format, const ggml_tensor& result,
                                                 ThreadTeam& team) {
  format = without_int4(format);
  // What is fused with the product may be stored where the activations lie.
  const bool may_stay = format == Format::F32 && has_spread_rows(x) && !overlap(x, result);
  if (may_stay) {
    prepared_ = {.f32 = floats(x), .stride = x.nb[1] / sizeof(float)};
  } else if (from_ != &x || ids_ != nullptr || format_ != format || !are_copied_) {
    store(x, format, {}, team);
  } else {
    return prepared_;
  }
  are_copied_ = !may_stay;
  from_ = &x;
  format_ = format;
  ids_ = nullptr;
  return prepared_;
}

const Activations& PreparedActivations::by_expert(const ggml_tensor& x, Format format, const ggml_tensor& ids,
                                                  const Routing& routing, ThreadTeam& team) {
  format = without_int4(format);
  if (from_ != &x || ids_ != &ids || format_ != format || !are_copied_) {
    store(x, format, routing.places(), team);
    ids_ = &ids;
    are_copied_ = true;
  }
  return prepared_;
}

void PreparedActivations::store(const ggml_tensor& x, Format format, std::span<const std::uint32_t> places,
                                ThreadTeam& team) {
  const auto rows = static_cast<std::size_t>(ggml_nrows(&x)), columns = static_cast<std::size_t>(x.ne[0]);
  const std::size_t stored = places.empty() ? rows : places.size(), copies = stored / rows;
  from_ = nullptr;  // whatever happens: what there is now is overwritten
  prepared_ = {};
  switch (format) {
    case Format::Int4:
    case Format::Int8:
      prepared_.stride = row_stride(columns);
      grow(int8_, stored * prepared_.stride);
      grow(scales_, stored * (prepared_.stride / kBlock));
      prepared_.int8 = int8_.data();
      prepared_.scales = scales_.data();
      break;
    case Format::Bf16:
      prepared_.stride = row_stride(columns * sizeof(std::uint16_t)) / sizeof(std::uint16_t);
      grow(bf16_, stored * prepared_.stride);
      prepared_.bf16 = bf16_.data();
      break;
    case Format::F32:
      prepared_.stride = row_stride(columns * sizeof(float)) / sizeof(float);
      grow(f32_, stored * prepared_.stride);
      prepared_.f32 = f32_.data();
      break;
  }
  team.for_ranges(rows, 16, [&](std::size_t begin, std::size_t end) {
    for (std::size_t m = begin; m < end; ++m) {
      const std::size_t first = places.empty() ? m : places[m * copies];
      store_row(f32_row(x, m), columns, format, first);
      for (std::size_t copy = 1; copy < copies; ++copy) copy_row(format, first, places[m * copies + copy]);
    }
  });
  from_ = &x;
  format_ = format;
}

void PreparedActivations::store_row(const float* x, std::size_t columns, Format format, std::size_t row) {
  const std::size_t at = row * prepared_.stride;
  if (format == Format::F32) {
    std::copy_n(x, columns, f32_.data() + at);
  } else if (format == Format::Bf16) {
    kernels_.to_bf16(x, columns, bf16_.data() + at);
  } else {
    kernels_.quantize(x, columns, int8_.data() + at, scales_.data() + at / kBlock);
  }
}

void PreparedActivations::copy_row(Format format, std::size_t from, std::size_t to) {
  const auto copy = [&](auto& values, std::size_t width) {
    std::copy_n(values.data() + from * width, width, values.data() + to * width);
  };
  if (format == Format::F32) return copy(f32_, prepared_.stride);
  if (format == Format::Bf16) return copy(bf16_, prepared_.stride);
  copy(int8_, prepared_.stride);
  copy(scales_, prepared_.stride / kBlock);
}

}  // namespace ggml_packed
