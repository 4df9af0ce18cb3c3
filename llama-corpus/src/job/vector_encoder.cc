#include "vector_encoder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <format>
#include <limits>

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

void VectorEncoder::take_scales_from(std::span<const std::vector<float>> sample) {
  const auto n = static_cast<std::size_t>(dimension_);
  low_.assign(n, sample.empty() ? 0 : std::numeric_limits<float>::max());
  high_.assign(n, sample.empty() ? 0 : std::numeric_limits<float>::lowest());
  for (std::vector<float> vector : sample) {
    cut(vector);
    for (std::size_t i = 0; i < n; ++i) {
      low_[i] = std::min(low_[i], vector[i]);
      high_[i] = std::max(high_[i], vector[i]);
    }
  }
}

std::string VectorEncoder::scales() const {
  if (low_.empty()) return "";
  std::string text = "{\"low\":[";
  append_numbers(text, low_);
  text += "],\"high\":[";
  append_numbers(text, high_);
  return text + "]}";
}

bool VectorEncoder::read_scales(const std::string& text) {
  std::string_view rest = text;
  const auto skip = [&](std::string_view words) {
    const bool is_there = rest.starts_with(words);
    if (is_there) rest.remove_prefix(words.size());
    return is_there;
  };
  if (!skip("{\"low\":")) return false;
  auto low = take_numbers(rest);
  if (!skip(",\"high\":")) return false;
  auto high = take_numbers(rest);
  if (rest != "}" || low.size() != static_cast<std::size_t>(dimension_) || high.size() != low.size()) return false;
  low_ = std::move(low);
  high_ = std::move(high);
  return true;
}

std::vector<std::byte> VectorEncoder::encode(std::vector<float> vector) const {
  cut(vector);
  std::vector<std::byte> bytes(vector_bytes(element_, dimension_));
  switch (element_) {
    case VectorElement::Float32:
      std::memcpy(bytes.data(), vector.data(), bytes.size());
      break;
    case VectorElement::Float16:
      for (std::size_t i = 0; i < vector.size(); ++i) {
        const auto half = static_cast<_Float16>(vector[i]);
        std::memcpy(bytes.data() + 2 * i, &half, 2);
      }
      break;
    case VectorElement::Int8:
      for (std::size_t i = 0; i < vector.size(); ++i) {
        const float step = (high_[i] - low_[i]) / 255;
        const float level = step > 0 ? (vector[i] - low_[i]) / step - 128 : 0;
        bytes[i] = static_cast<std::byte>(static_cast<std::int8_t>(std::clamp(std::trunc(level), -128.0F, 127.0F)));
      }
      break;
    case VectorElement::Bits:
      for (std::size_t i = 0; i < vector.size(); ++i) {
        if (vector[i] > 0) bytes[i / 8] |= static_cast<std::byte>(0x80 >> (i % 8));
      }
      break;
  }
  return bytes;
}

}  // namespace llama::internal
