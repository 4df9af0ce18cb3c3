#include "row_text.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "llama-base/blank_text.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

bool is_all_utf8(std::span<const Cell> cells) {
  return std::ranges::all_of(cells, [](const Cell& cell) { return !cell || is_utf8(*cell); });
}

// A cell may have a hundred megabytes: one alone is not copied.
std::optional<std::string> joined(std::span<Cell> cells, const std::string& join) {
  std::optional<std::string> text;
  for (Cell& cell : cells) {
    if (!cell) continue;
    if (text) {
      *text += join;
      *text += *cell;
    } else {
      text = std::move(cell);
    }
  }
  return text;
}

}  // namespace

JobRow row_of(Row& row, const JobOptions& options) {
  JobRow made{.number = row.number};
  const auto failed = [&](Error why) {
    made.kind = JobRow::Kind::Failed;
    made.failure = std::move(why);
    return made;
  };
  if (!row.cells) return failed(row.cells.error());
  if (row.cells->size() < options.text_columns) return failed({ErrorCode::Internal, "the reader gave too few cells"});
  if (!is_all_utf8(*row.cells)) return failed({ErrorCode::InvalidText, "not valid UTF-8"});
  const auto cells = std::span<Cell>(*row.cells).first(options.text_columns);
  const bool is_empty = std::ranges::all_of(cells, [](const Cell& cell) { return !cell || cell->empty(); });
  made.text = joined(cells, options.join);
  if (is_empty) {
    made.kind = JobRow::Kind::Empty;
  } else if (options.skips_blank && is_blank(*made.text)) {
    made.kind = JobRow::Kind::Blank;
  }
  return made;
}

std::string prompted(std::string_view part, const Row& row, const JobOptions& options) {
  if (!options.prompt) return std::string(part);
  return options.prompt->render(part, std::span<const Cell>(*row.cells).subspan(options.text_columns));
}

}  // namespace llama::internal
