// Turn the model's vectors into what is written: cut, scaled to length 1 again, in fewer bits (vector_encoding.h).
//
// Int8 scales are the same for all vectors of an output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-corpus/embed_job.h"
#include "llama-table/vector_encoding.h"

namespace llama::internal {

class VectorEncoder {
 public:
  // Errors   InvalidArgument: more dimensions than the model has, or fewer than one.
  [[nodiscard]] static Result<VectorEncoder> create(const VectorFormat& format, std::int32_t model_dimension);

  [[nodiscard]] std::int32_t dimension() const { return dimension_; }
  [[nodiscard]] VectorElement element() const { return element_; }

  // False: scales are needed first, from a sample or as text.
  [[nodiscard]] bool is_ready() const { return element_ != VectorElement::Int8 || !scales_.steps.empty(); }
  void take_scales_from(std::span<const std::vector<float>> sample);
  [[nodiscard]] bool read_scales(const std::string& text);  // scales(); false: it is none
  [[nodiscard]] std::string scales() const;                 // "" where none are needed

  // Requires is_ready() and a vector of the model's dimension.
  // Errors   InvalidText: a value that float16 has only infinity for.
  [[nodiscard]] Result<std::vector<std::byte>> encode(std::vector<float> vector) const;

 private:
  VectorEncoder(VectorElement element, std::int32_t dimension, bool cuts)
      : element_(element), dimension_(dimension), cuts_(cuts) {}
  void cut(std::vector<float>& vector) const;
  VectorElement element_;
  std::int32_t dimension_;
  bool cuts_;
  Int8Scales scales_;
};

}  // namespace llama::internal
