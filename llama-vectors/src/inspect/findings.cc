#include <cmath>
#include <format>
#include <utility>

#include "llama-vectors/inspection.h"

namespace llama {
namespace {

// Of unrelated texts models of the E5 family have a mean cosine of 0.7 to 0.85, all others less: beyond this the
// vectors tell texts apart no more.
constexpr double kCollapsed = 0.9;
// float16 keeps a length within a thousandth.
constexpr double kLengthTolerance = 0.01;

class Findings {
 public:
  // "1 row has", "7 rows have"
  static std::string rows_have(std::uint64_t count) {
    return std::format("{} {}", count, count == 1 ? "row has" : "rows have");
  }
  void add(FindingKind kind, std::string message, bool is_fault = true) {
    all_.push_back({kind, std::move(message), is_fault});
  }
  void add_rows(FindingKind kind, std::uint64_t count, std::string_view what) {
    if (count > 0) add(kind, std::format("{} {}", rows_have(count), what));
  }
  [[nodiscard]] std::vector<Finding> take() { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

void look_at_lengths(const Inspection& i, const VectorFile& file, Findings& found) {
  const VectorElement element = file.table().vectors().element;
  if (element == VectorElement::Bits || element == VectorElement::Int8 || i.norms.count == i.zeros) return;
  const bool are_one =
      std::abs(i.norms.least - 1) < kLengthTolerance && std::abs(i.norms.greatest - 1) < kLengthTolerance;
  if (are_one) return;
  const std::string range = std::format("{:.4g} to {:.4g}", i.norms.least, i.norms.greatest);
  if (file.provenance().is_normalized.value_or(false)) {
    if (i.zeros == 0 || std::abs(i.norms.greatest - 1) >= kLengthTolerance)
      found.add(FindingKind::NotNormalized,
                std::format("the file says that its vectors have length 1, and their lengths are {}", range));
  } else {
    found.add(
        FindingKind::LengthsDiffer,
        std::format("the vectors are not scaled to length 1 (their lengths are {}): search them by cosine, for dot "
                    "products and distances prefer long ones",
                    range),
        false);
  }
}

}  // namespace

std::vector<Finding> findings_of(const Inspection& i, const VectorFile& file) {
  Findings found;
  found.add_rows(FindingKind::Nulls, i.nulls, "no vector");
  found.add_rows(FindingKind::OtherLengths, i.other_lengths,
                 std::format("a vector of other dimensions than {}", file.dimension()));
  found.add_rows(FindingKind::NonFinite, i.non_finite, "NaN or infinity in the vector");
  found.add_rows(FindingKind::Zeros, i.zeros, "a vector of zeros");
  const auto says = file.provenance().dimensions ? file.provenance().dimensions : file.provenance().model_dimension;
  if (says && file.dimension() > 0 && *says != file.dimension())
    found.add(FindingKind::OtherDimension,
              std::format("the vectors have {} dimensions, and the file says {}", file.dimension(), *says));
  for (const std::string& odd : file.odd_files()) found.add(FindingKind::OddFiles, odd);
  // Among some bits many texts share a vector without anything being wrong.
  const bool is_coarse = file.table().vectors().element == VectorElement::Bits;
  if (i.shared.vectors > 0)
    found.add(FindingKind::SharedVectors,
              std::format("{}{} rows share {} {} though their texts differ: cut at the length limit, or made of tokens "
                          "that the model does not know",
                          i.counted_share > 1 ? "about " : "", i.shared.rows, i.shared.vectors,
                          i.shared.vectors == 1 ? "vector" : "vectors"),
              !is_coarse);
  if (i.pairs && i.sampled >= 10 && i.pairs->mean > kCollapsed)
    found.add(FindingKind::Collapsed,
              std::format("nearly all vectors point the same way (mean cosine of two rows {:.3f}): the model, its "
                          "pooling or its file is not right",
                          i.pairs->mean));
  look_at_lengths(i, file, found);
  if (i.truncated.value_or(0) > 0)
    found.add(
        FindingKind::Truncated,
        std::format("{} {} cut at {} tokens", *i.truncated, *i.truncated == 1 ? "text was" : "texts were",
                    file.provenance().max_length ? std::to_string(*file.provenance().max_length) : "the limit of"),
        false);
  return found.take();
}

}  // namespace llama
