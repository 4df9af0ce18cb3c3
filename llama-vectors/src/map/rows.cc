#include <algorithm>
#include <format>
#include <limits>
#include <utility>

#include "llama-vectors/map_rows.h"
#include "map/random_numbers.h"
#include "values/vector_widener.h"

namespace llama {
namespace {

constexpr std::string_view kHashColumn = "text_hash";

// Which rows of `count` are in a sample of `wanted`: each set of so many is as likely (R. Floyd's method, by the
// sequential test of D. Knuth, The Art of Computer Programming 2, algorithm S).
class SampledRows {
 public:
  SampledRows(std::uint64_t count, std::optional<std::uint64_t> wanted, std::uint64_t seed)
      : left_(count), wanted_(std::min(count, wanted.value_or(count))), random_(seed) {}
  // Once for each row, in order.
  bool takes_next() {
    const bool takes = random_.share() * static_cast<double>(left_) < static_cast<double>(wanted_);
    --left_;
    if (takes) --wanted_;
    return takes;
  }

 private:
  std::uint64_t left_, wanted_;
  internal::RandomNumbers random_;
};

std::string beginning(std::string_view text, std::size_t bytes) {
  // One more than is kept, so that who writes it sees that it goes on.
  return std::string(text.substr(0, bytes + 4));
}

class RowsReader {
 public:
  RowsReader(const VectorFile& file, const MapRowsOptions& options)
      : file_(file),
        options_(options),
        sampled_(file.table().rows(), options.sample, options.seed),
        widener_(file.table().vectors().element, file.dimension(), file.provenance().int8_scales),
        wide_(widener_.length()) {
    found_.dimension = widener_.dimension();
  }

  Result<void> choose_columns() {
    text_column_ = options_.text_column.empty() ? file_.text_column() : options_.text_column;
    bool is_there = text_column_.empty();
    if (!text_column_.empty()) names_.push_back(text_column_);
    for (const TableColumn& column : file_.table().columns()) {
      if (column.name == text_column_) is_there = column.kind == CellKind::Text;
      if (column.name == text_column_ || column.name == kHashColumn || column.kind == CellKind::Other) continue;
      names_.push_back(column.name);
      MapColumn& kept = found_.columns.emplace_back(MapColumn{.name = column.name, .cells = {}});
      if (column.kind == CellKind::Number) kept.cells = std::vector<double>();
    }
    if (!is_there) return fail(ErrorCode::InvalidArgument, std::format("no column of texts '{}'", text_column_));
    return {};
  }

  Result<void> read(const MapProgress& progress, const std::stop_token& stop) {
    auto reader = file_.table().reader(names_);
    if (!reader) return std::unexpected(reader.error());
    const auto all = static_cast<double>(std::max<std::uint64_t>(1, file_.table().rows()));
    for (std::size_t piece = 0; piece < file_.table().pieces(); ++piece) {
      if (auto started = (*reader)->start(piece); !started) return started;
      for (;;) {
        auto block = (*reader)->next(stop);
        if (!block) return std::unexpected(block.error());
        if (!*block) break;
        take(**block);
        if (progress) progress("rows", static_cast<double>((*block)->first_row) / all);
      }
    }
    return {};
  }

  MapRows finish() { return std::move(found_); }

 private:
  void take(const VectorBlock& block) {
    std::size_t vector = 0;
    for (std::size_t row = 0; row < block.rows; ++row) {
      const bool has_vector = vector < block.vectors && block.row(vector) == row;
      if (sampled_.takes_next()) {
        if (has_vector && take_vector(block.values + vector * widener_.stride()))
          take_cells(block, row);
        else
          ++found_.without_vector;
      }
      if (has_vector) ++vector;
    }
  }

  bool take_vector(const std::byte* stored) {
    widener_.widen(stored, wide_.data());
    const std::size_t before = found_.vectors.size();
    for (std::size_t i = 0; i < found_.dimension; ++i) found_.vectors.push_back(static_cast<float>(wide_[i]));
    if (has_direction(std::span(found_.vectors).subspan(before))) return true;
    found_.vectors.resize(before);
    return false;
  }

  void take_cells(const VectorBlock& block, std::size_t row) {
    found_.rows.push_back(static_cast<std::uint32_t>(block.first_row + row));
    std::size_t at = 0;
    std::string_view text;
    if (!text_column_.empty()) text = block.columns[at++].text(row).value_or("");
    found_.texts.push_back(beginning(text, options_.cell_bytes));
    for (MapColumn& column : found_.columns) {
      const BlockColumn& cells = block.columns[at++];
      if (auto* numbers = std::get_if<std::vector<double>>(&column.cells)) {
        numbers->push_back(cells.number(row).value_or(std::numeric_limits<double>::quiet_NaN()));
        continue;
      }
      const auto cell = cells.text(row);
      std::get<0>(column.cells).push_back(cell ? std::optional(beginning(*cell, options_.cell_bytes)) : std::nullopt);
    }
  }

  const VectorFile& file_;
  const MapRowsOptions& options_;
  SampledRows sampled_;
  internal::VectorWidener widener_;
  std::vector<double> wide_;
  std::string text_column_;
  std::vector<std::string> names_;
  MapRows found_;
};

}  // namespace

Result<MapRows> read_map_rows(const VectorFile& file, const MapRowsOptions& options, const MapProgress& progress,
                              const std::stop_token& stop) {
  if (file.table().rows() >= std::uint64_t{1} << 31) {
    return fail(ErrorCode::InvalidArgument, std::format("{} rows are too many to read", file.table().rows()));
  }
  if (file.dimension() <= 0) return fail(ErrorCode::InvalidArgument, "no row has a vector");
  RowsReader reader(file, options);
  if (auto chosen = reader.choose_columns(); !chosen) return std::unexpected(chosen.error());
  if (auto read = reader.read(progress, stop); !read) return std::unexpected(read.error());
  MapRows found = reader.finish();
  if (found.rows.empty()) return fail(ErrorCode::InvalidArgument, "no row has a vector to show");
  return found;
}

}  // namespace llama
