#include "vector_encoder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <format>
#include <string_view>
#include <utility>

#include "llama-embedding/embedding_result.h"

namespace llama::internal {
namespace {

void append_numbers(std::string& text, const std::vector<float>& numbers) {
  for (const float number : numbers) text += std::format("{}{}", text.back() == '[' ? "" : ",", number);
}

// "[1,2]" at the beginning of text, which is taken off; {} for what is none.
std::vector<float> take_numbers(std::string_view& text) {
  std::vector<float> numbers;
  if (!text.starts_with('[')) return {};
  do {
    text.remove_prefix(1);
    float number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return {};
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  } while (text.starts_with(','));
  if (!text.starts_with(']')) return {};
  text.remove_prefix(1);
  return numbers;
}

}  // namespace

Result<VectorEncoder> VectorEncoder::create(const VectorFormat& format, std::int32_t model_dimension) {
  const std::int32_t dimension = format.dimensions.value_or(model_dimension);
  if (dimension < 1 || dimension > model_dimension) {
    return fail(ErrorCode::InvalidArgument,
                std::format("{} dimensions cannot be had of a model with {}", dimension, model_dimension));
  }
  return VectorEncoder(format.element, dimension, dimension < model_dimension);
}

void VectorEncoder::cut(std::vector<float>& vector) const {
  if (!cuts_) return;
  vector.resize(static_cast<std::size_t>(dimension_));
  normalize(vector);
}

// Where no text has a vector the scales are never used, but there are some.
void VectorEncoder::take_scales_from(std::span<const std::vector<float>> sample) {
  std::vector<float> values;
  for (std::vector<float> vector : sample) {
    cut(vector);
    values.append_range(vector);
  }
  const auto n = static_cast<std::size_t>(dimension_);
  scales_ = Int8Scales::of(values, dimension_)
                .value_or(Int8Scales{.starts = std::vector<float>(n), .steps = std::vector<float>(n)});
}

std::string VectorEncoder::scales() const {
  if (scales_.steps.empty()) return "";
  std::string text = "{\"start\":[";
  append_numbers(text, scales_.starts);
  text += "],\"step\":[";
  append_numbers(text, scales_.steps);
  return text + "]}";
}

bool VectorEncoder::read_scales(const std::string& text) {
  std::string_view rest = text;
  const auto skip = [&](std::string_view words) {
    const bool is_there = rest.starts_with(words);
    if (is_there) rest.remove_prefix(words.size());
    return is_there;
  };
  Int8Scales read;
  if (!skip("{\"start\":")) return false;
  read.starts = take_numbers(rest);
  if (!skip(",\"step\":")) return false;
  read.steps = take_numbers(rest);
  const auto n = static_cast<std::size_t>(dimension_);
  if (rest != "}" || read.starts.size() != n || read.steps.size() != n) return false;
  scales_ = std::move(read);
  return true;
}

Result<std::vector<std::byte>> VectorEncoder::encode(std::vector<float> vector) const {
  cut(vector);
  if (element_ == VectorElement::Float16) {
    const auto beyond = std::ranges::find_if(vector, [](float value) { return std::abs(value) >= kFloat16Infinity; });
    if (beyond != vector.end()) {
      return fail(ErrorCode::InvalidText,
                  std::format("its vector has a value of {:.6g}, and float16 ends at 65504: write float32, or vectors "
                              "scaled to length 1",
                              *beyond));
    }
  }
  std::vector<std::byte> bytes;
  bytes.reserve(vector_bytes(element_, dimension_));
  switch (element_) {
    case VectorElement::Float32:
      append_float32(vector, bytes);
      break;
    case VectorElement::Float16:
      append_float16(vector, bytes);
      break;
    case VectorElement::Int8:
      append_int8(vector, scales_, bytes);
      break;
    case VectorElement::Bits:
      append_bits(vector, bytes);
      break;
  }
  return bytes;
}

}  // namespace llama::internal
