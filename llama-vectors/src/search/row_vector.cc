#include <algorithm>
#include <cmath>
#include <format>

#include "llama-vectors/vector_search.h"
#include "values/vector_widener.h"

namespace llama {
namespace {

std::unexpected<Error> no_vector(std::uint64_t row, std::string_view why) {
  return fail(ErrorCode::InvalidArgument, std::format("row {} {}", row, why));
}

Result<std::vector<float>> widened(const VectorFile& file, const std::byte* vector, std::uint64_t row) {
  const internal::VectorWidener widener(file.table().vectors().element, file.dimension(),
                                        file.provenance().int8_scales);
  std::vector<double> wide(widener.length());
  widener.widen(vector, wide.data());
  std::vector<float> values(wide.begin(), wide.begin() + file.dimension());
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
    return no_vector(row, "has NaN or infinity in its vector");
  if (std::ranges::all_of(values, [](float value) { return value == 0; }))
    return no_vector(row, "has a vector of zeros");
  return values;
}

}  // namespace

Result<std::vector<float>> vector_of_row(const VectorFile& file, std::uint64_t row, const std::stop_token& stop) {
  const VectorTable& table = file.table();
  if (row >= table.rows())
    return no_vector(row, table.rows() == 0 ? "does not exist: there are none"
                                            : std::format("does not exist: the last is {}", table.rows() - 1));
  auto reader = table.reader({});
  if (!reader) return std::unexpected(reader.error());
  if (auto started = (*reader)->start(table.piece_of(row)); !started) return std::unexpected(started.error());
  for (;;) {
    const auto block = (*reader)->next(stop);
    if (!block) return std::unexpected(block.error());
    if (!*block) return no_vector(row, "cannot be read");
    const VectorBlock& b = **block;
    if (row >= b.first_row + b.rows) continue;
    for (std::size_t i = 0; i < b.vectors; ++i)
      if (b.first_row + b.row(i) == row)
        return widened(file, b.values + i * vector_bytes(table.vectors().element, file.dimension()), row);
    return no_vector(row, "has no vector");
  }
}

}  // namespace llama
