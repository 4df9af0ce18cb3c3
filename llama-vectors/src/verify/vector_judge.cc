#include "verify/vector_judge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <format>

namespace llama::internal {
namespace {

// How many times larger than the others' root mean square one deviation has to be. Deviations of other kernels spread
// over all dimensions: of 4,096 random ones the largest is 4 times the mean, and of real models' below 8 (verify.md).
constexpr double kOutlier = 16;
// One number may be off by so many times what all are off by in the mean where the cosine is the least allowed.
constexpr double kSpread = 6;
// Of codes and bits: more wrong ones than these, and the whole vector is another.
constexpr std::size_t kFewValues = 4;

bool is_float(VectorElement element) { return element == VectorElement::Float32 || element == VectorElement::Float16; }

double root_of_squares(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

double cosine_of(const std::vector<double>& a, const std::vector<double>& b, double length_a, double length_b) {
  if (length_a == 0 && length_b == 0) return 1;
  if (length_a == 0 || length_b == 0) return 0;
  double product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += a[i] * b[i];
  return std::clamp(product / length_a / length_b, -1.0, 1.0);
}

}  // namespace

VectorJudge::VectorJudge(VectorElement element, std::int32_t dimension, const std::optional<Int8Scales>& scales,
                         double least_cosine, bool compares_lengths)
    : element_(element),
      dimension_(static_cast<std::size_t>(dimension)),
      scales_(scales.value_or(Int8Scales())),
      least_cosine_(least_cosine),
      compares_lengths_(compares_lengths),
      widener_(element, dimension, scales),
      stored_(widener_.length()),
      computed_(widener_.length()) {}

std::vector<std::byte> VectorJudge::encoded(std::span<const float> computed) const {
  std::vector<std::byte> bytes;
  switch (element_) {
    case VectorElement::Float32:
      append_float32(computed, bytes);
      break;
    case VectorElement::Float16:
      append_float16(computed, bytes);
      break;
    case VectorElement::Int8:
      append_int8(computed, scales_, bytes);
      break;
    case VectorElement::Bits:
      append_bits(computed, bytes);
      break;
  }
  return bytes;
}

double VectorJudge::coarseness(std::size_t i) const {
  switch (element_) {
    case VectorElement::Float32:
      return 1e-6 * (std::abs(computed_[i]) + typical_);
    case VectorElement::Float16:
      // The next number but one. Small numbers show a difference that large ones hide, whose neighbours lie further
      // apart: one that is seen in a single number need not be an outlier.
      return std::abs(computed_[i]) * 0x1p-9 + 1e-4 * typical_;
    case VectorElement::Int8:  // the next code
      return 1.001 * static_cast<double>(scales_.steps[i]);
    case VectorElement::Bits:
      return 0;
  }
  return 0;
}

// Deviations are taken relative to how large a value is, because models with a few large dimensions have large
// deviations there. Cost: a look at each dimension.
std::optional<std::size_t> VectorJudge::single_outlier() const {
  std::size_t worst = 0;
  double largest = -1, squares = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double deviation = std::abs(stored_[i] - computed_[i]) / (std::abs(computed_[i]) + typical_);
    squares += deviation * deviation;
    if (deviation <= largest) continue;
    largest = deviation;
    worst = i;
  }
  const double others =
      std::max(0.0, squares - largest * largest) / static_cast<double>(std::max<std::size_t>(dimension_ - 1, 1));
  if (std::abs(stored_[worst] - computed_[worst]) <= coarseness(worst)) return std::nullopt;
  return largest > kOutlier * std::sqrt(others) ? std::optional(worst) : std::nullopt;
}

void VectorJudge::scale_to(const std::byte* stored, std::vector<float>& computed) {
  widener_.widen(stored, stored_.data());
  const std::vector<double> wide(computed.begin(), computed.end());
  const double length = root_of_squares(wide), stored_length = root_of_squares(stored_);
  // Zeros have no direction, and are right only where the model gives them; nor has what is not finite.
  if (length == 0 || stored_length == 0 || !std::isfinite(stored_length)) return;
  const double scale = stored_length / length;
  for (float& value : computed) value = static_cast<float>(value * scale);
}

Judgement VectorJudge::judge(const std::byte* stored, std::vector<float> computed) {
  if (!compares_lengths_ && is_float(element_)) scale_to(stored, computed);
  const std::vector<std::byte> bytes = encoded(computed);
  Judgement judged;
  judged.is_same = std::memcmp(stored, bytes.data(), bytes.size()) == 0;
  if (judged.is_same) return judged;
  widener_.widen(stored, stored_.data());
  widener_.widen(bytes.data(), computed_.data());
  const double stored_length = root_of_squares(stored_), length = root_of_squares(computed_);
  if (!std::isfinite(stored_length)) {
    judged.wrong = WrongKind::NonFinite;
    return judged;
  }
  judged.cosine = cosine_of(stored_, computed_, stored_length, length);
  judged.what = std::format("cosine {:.7f} to the model's vector", judged.cosine);

  // A cosine of 1 - d²/2 is that of two vectors that lie d apart, for each unit of their length.
  const double apart = std::sqrt(2 * (1 - least_cosine_));
  double squares = 0;
  for (const float value : computed) squares += static_cast<double>(value) * value;
  typical_ = std::sqrt(squares / static_cast<double>(dimension_));
  if (is_float(element_)) {
    judge_floats(judged, apart, stored_length, length);
  } else {
    judge_codes(judged, kSpread * apart * typical_, computed);
  }
  return judged;
}

// One wrong value is told as such, also where it turns the whole vector.
void VectorJudge::judge_floats(Judgement& judged, double apart, double stored_length, double length) const {
  if (const auto worst = single_outlier()) {
    judged.wrong = WrongKind::OneValue;
    judged.what = std::format("value {} is {:.9g}, the model's {:.9g}, and the others differ less", *worst,
                              stored_[*worst], computed_[*worst]);
  } else if (judged.cosine < least_cosine_) {
    judged.wrong = WrongKind::Vector;
  } else if (std::abs(stored_length - length) > apart * length) {
    judged.wrong = WrongKind::Vector;
    judged.what = std::format("its length is {:.6g}, the model's vector's {:.6g}", stored_length, length);
  }
}

// A small difference makes another code or bit of a number that lies near the border to it: so each is judged alone, by
// how far its number may be off, and not by the cosine of the codes. A bit may be the other one where its number is
// about 0.
void VectorJudge::judge_codes(Judgement& judged, double allowed, std::span<const float> computed) const {
  const bool is_bit = element_ == VectorElement::Bits;
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < dimension_; ++i) {
    if (stored_[i] == computed_[i]) continue;
    const double off = is_bit ? std::abs(static_cast<double>(computed[i])) : std::abs(stored_[i] - computed_[i]);
    if (off <= allowed + coarseness(i)) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return;
  judged.wrong = wrong > kFewValues ? WrongKind::Vector : WrongKind::OneValue;
  if (wrong > kFewValues) return;
  judged.what = is_bit ? std::format("bit {} is {}, the model's number is {:.6g}", first, stored_[first] > 0 ? 1 : 0,
                                     computed[first])
                       : std::format("value {} is {:.6g}, the model's {:.6g}", first, stored_[first], computed_[first]);
}

}  // namespace llama::internal
