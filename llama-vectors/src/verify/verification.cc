#include "llama-vectors/verification.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <numeric>
#include <utility>

#include "inspect/vector_sample.h"
#include "values/piece_team.h"
#include "values/row_vectors.h"
#include "verify/text_check.h"
#include "verify/vector_judge.h"

namespace llama {
namespace internal {
namespace {

constexpr std::size_t kRowsTogether = 1024;
// So many of the sample, in a hundred, are the same in every bit where one that is not is told.
constexpr std::uint64_t kSameOfHundred = 90;
constexpr std::uint64_t kLeastSame = 10;

Result<void> check_can_compute(const VectorFile& file, const CheckedColumns& columns) {
  const std::string& path = file.table().files().front().path;
  if (columns.text.empty())
    return fail(ErrorCode::InvalidArgument, std::format("file '{}': which column has the texts cannot be told", path));
  if (file.table().vectors().element == VectorElement::Int8 && !file.provenance().int8_scales)
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}' has int8 vectors and does not say their scales, so that what a model gives "
                            "cannot be compared with them",
                            path));
  return {};
}

// As embed cuts a vector to the first dimensions, scaled to length 1 again, with the same roundings.
Result<std::vector<float>> fit_to_file(std::vector<float> vector, const VectorFile& file) {
  const auto dimension = static_cast<std::size_t>(file.dimension());
  if (vector.size() == dimension) return vector;
  if (vector.size() < dimension || file.provenance().dimensions != file.dimension())
    return fail(ErrorCode::InvalidArgument, std::format("the model has {} dimensions, and the vectors in '{}' have {}",
                                                        vector.size(), file.table().files().front().path, dimension));
  vector.resize(dimension);
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (squares <= 0) return vector;
  const double scale = 1 / std::sqrt(squares);
  for (float& value : vector) value = static_cast<float>(value * scale);
  return vector;
}

// Computes the vectors of the sample's rows again, some hundred at a time.
class SampleCheck {
 public:
  SampleCheck(const VectorFile& file, const VerifyOptions& options, Verification& found)
      : file_(file),
        options_(options),
        found_(found),
        judge_(file.table().vectors().element, file.dimension(), file.provenance().int8_scales, options.least_cosine,
               options.compares_lengths) {}

  Result<void> run(const std::string& text_column, const std::stop_token& stop) {
    const std::uint64_t rows = file_.table().rows();
    const std::vector<std::uint64_t> sample = chosen_rows(rows);
    found_.sampled = sample.size();
    WantedColumns wanted{.cells = {text_column}, .keep = {}};
    wanted.cells.append_range(options_.more_columns);
    auto reader = file_.table().rows_at(sample, wanted);
    if (!reader) return std::unexpected(reader.error());
    for (std::size_t begin = 0; begin < sample.size();) {
      const std::span<const std::uint64_t> chosen =
          std::span(sample).subspan(begin, std::min(kRowsTogether, sample.size() - begin));
      if (auto checked = check(chosen, **reader, stop); !checked) return checked;
      begin += chosen.size();
      if (options_.on_check) options_.on_check(begin);
    }
    settle_last_bits();
    return {};
  }

 private:
  Result<void> check(std::span<const std::uint64_t> chosen, TableReader& reader, const std::stop_token& stop) {
    const auto stored = RowVectors::read(file_, chosen, team_size(options_.threads, chosen.size()), stop);
    if (!stored) return std::unexpected(stored.error());
    auto rows = read_rows(chosen.size(), reader, stop);
    if (!rows) return std::unexpected(rows.error());
    std::vector<Row> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      Row& row = (*rows)[i];
      if (!row.cells) list(row, WrongKind::NoVector, row.cells.error().message, std::nullopt);
      if (stored->vector(i) == nullptr || !row.cells || !row.cells->front()) continue;
      asked.push_back(std::move(row));
      places.push_back(i);
    }
    if (asked.empty()) return {};
    const auto vectors = options_.compute(asked);
    if (!vectors) return std::unexpected(vectors.error());
    if (vectors->size() != asked.size()) return fail(ErrorCode::Internal, "the model answered other texts than asked");
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (auto judged = judge(asked[i], (*vectors)[i], stored->vector(places[i])); !judged) return judged;
    return {};
  }

  std::vector<std::uint64_t> chosen_rows(std::uint64_t rows) const {
    if (options_.sample && *options_.sample < rows)
      return choose_sample(rows, static_cast<std::size_t>(*options_.sample), options_.seed);
    std::vector<std::uint64_t> all(rows);
    std::ranges::iota(all, std::uint64_t{0});
    return all;
  }

  static Result<std::vector<Row>> read_rows(std::size_t count, TableReader& reader, const std::stop_token& stop) {
    std::vector<Row> rows;
    while (rows.size() < count) {
      auto batch = reader.next(stop);
      if (!batch) return std::unexpected(batch.error());
      for (Row& row : batch->rows) rows.push_back(std::move(row));
      if (batch->state == RowState::End) break;
    }
    if (rows.size() != count) return fail(ErrorCode::Internal, "the sample's rows were read in other batches");
    return rows;
  }

  Result<void> judge(const Row& row, const Result<std::vector<float>>& computed, const std::byte* stored) {
    if (!computed) {
      list(row, WrongKind::NoVector, computed.error().message, std::nullopt);
      return {};
    }
    auto fit = fit_to_file(*computed, file_);
    if (!fit) return std::unexpected(fit.error());
    Judgement judged = judge_.judge(stored, std::move(*fit));
    if (judged.wrong == WrongKind::NonFinite) return {};  // told already
    ++found_.computed;
    found_.same_bits += judged.is_same ? 1 : 0;
    found_.lowest_cosine = std::min(found_.lowest_cosine, judged.cosine);
    if (judged.wrong) {
      list(row, *judged.wrong, std::move(judged.what), judged.cosine);
    } else if (!judged.is_same) {
      ++differing_;
      if (last_bits_.size() < options_.max_listed)
        last_bits_.push_back(wrong_row(row, WrongKind::LastBits, "it differs in its last bits", judged.cosine));
    }
    return {};
  }

  static WrongRow wrong_row(const Row& row, WrongKind kind, std::string what, std::optional<double> cosine) {
    return {.row = row.number,
            .kind = kind,
            .what = std::move(what),
            .cosine = cosine,
            .text = row.cells ? beginning_of(row.cells->front().value_or("")) : ""};
  }

  void list(const Row& row, WrongKind kind, std::string what, std::optional<double> cosine) {
    ++found_.wrong_vectors;
    if (listed_++ < options_.max_listed) found_.wrong.push_back(wrong_row(row, kind, std::move(what), cosine));
  }

  // Vectors of the same kernels are the same bit for bit, whatever their neighbours in a batch. Whether they are here
  // is seen by the others, because the device and the vector store of that run are not known.
  void settle_last_bits() {
    const bool is_exact = options_.gives_same_bits && found_.same_bits >= kLeastSame &&
                          found_.same_bits * 100 >= kSameOfHundred * (found_.same_bits + differing_);
    found_.is_exact = is_exact;
    if (!is_exact) return;
    found_.wrong_vectors += differing_;
    for (WrongRow& row : last_bits_) {
      row.what = std::format("it differs in its last bits, and {} of the {} others do not", found_.same_bits,
                             found_.computed - 1);
      found_.wrong.push_back(std::move(row));
    }
  }

  const VectorFile& file_;
  const VerifyOptions& options_;
  Verification& found_;
  VectorJudge judge_;
  std::vector<WrongRow> last_bits_;
  std::uint64_t differing_ = 0, listed_ = 0;
};

}  // namespace
}  // namespace internal

Result<Verification> verify_vectors(const VectorFile& file, const VerifyOptions& options, const std::stop_token& stop) {
  auto columns = internal::choose_checked(file, options);
  if (!columns) return std::unexpected(columns.error());
  const bool computes = options.compute && options.sample != 0 && file.table().rows() > 0 && file.dimension() > 0;
  if (computes) {
    if (auto can = internal::check_can_compute(file, *columns); !can) return std::unexpected(can.error());
  }
  auto found = internal::check_texts(file, *columns, options, stop);
  if (!found) return found;
  if (computes) {
    internal::SampleCheck check(file, options, *found);
    if (auto checked = check.run(columns->text, stop); !checked) return std::unexpected(checked.error());
  }
  std::ranges::stable_sort(found->wrong, {}, &WrongRow::row);
  found->wrong.resize(std::min(found->wrong.size(), options.max_listed));
  return found;
}

}  // namespace llama
