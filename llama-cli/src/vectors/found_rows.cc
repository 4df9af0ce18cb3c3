#include "vectors/found_rows.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace llama {

std::string FoundColumns::shown_name(const std::string& name) const {
  const auto found = std::ranges::find(renamed, name, &std::pair<std::string, std::string>::first);
  return found == renamed.end() ? name : found->second;
}

FoundColumns choose_found_columns(const SearchArguments& arguments, const VectorFile& file) {
  FoundColumns chosen{.text = arguments.text_column.value_or(file.text_column()),
                      .kept = {},
                      .renamed = {},
                      .has_similarity = arguments.reranker.has_value()};
  std::vector<std::string_view> ours = {"query", "row", "score", "text"};
  if (chosen.has_similarity) ours.emplace_back("similarity");
  for (const std::string& name : arguments.columns)
    // The texts are there already, under the name "text".
    if ((name != chosen.text || name != "text") && !std::ranges::contains(chosen.kept, name))
      chosen.kept.push_back(name);
  for (const std::string& name : chosen.kept) {
    if (!std::ranges::contains(ours, name)) continue;
    std::string other = name + "_input";
    while (std::ranges::contains(chosen.kept, other)) other += "_";
    chosen.renamed.emplace_back(name, std::move(other));
  }
  return chosen;
}

Result<FoundRows> FoundRows::open(const VectorFile& file, const FoundHits& hits, const FoundColumns& columns) {
  FoundRows found;
  std::vector<std::uint64_t> rows;
  for (std::size_t query = 0; query < hits.size(); ++query) {
    for (const FoundHit& hit : hits[query]) {
      found.places_.push_back({query, hit});
      rows.push_back(hit.row);
    }
  }
  WantedColumns wanted{.cells = {}, .keep = columns.kept};
  found.has_text_ = !columns.text.empty();
  found.has_kept_ = !columns.kept.empty();
  if (found.has_text_) wanted.cells.push_back(columns.text);
  wanted.cells.append_range(columns.kept);
  auto reader = file.table().rows_at(std::move(rows), wanted);
  if (!reader) return std::unexpected(reader.error());
  found.reader_ = std::move(*reader);
  return found;
}

Result<void> FoundRows::for_each(const std::stop_token& stop, const std::function<Result<void>(FoundRow)>& use) {
  for (std::size_t at = 0; at < places_.size();) {
    auto batch = reader_->next(stop);
    if (!batch) return std::unexpected(batch.error());
    for (std::size_t i = 0; i < batch->rows.size() && at < places_.size(); ++i, ++at) {
      FoundRow row;
      row.query = places_[at].query;
      row.hit = places_[at].hit;
      const auto& cells = batch->rows[i].cells;
      row.has_text = has_text_ && cells && cells->front().has_value();
      row.is_null_text = has_text_ && cells && !cells->front().has_value();
      if (cells) {
        for (const Cell& cell : *cells) row.cells.push_back(cell.value_or(""));
      } else {
        row.cells.assign(1, "(" + cells.error().message + ")");
      }
      if (has_text_) {
        row.text = std::move(row.cells.front());
        row.cells.erase(row.cells.begin());
      }
      if (has_kept_) row.kept = {.rows = batch->kept, .index = i};
      if (auto used = use(std::move(row)); !used) return used;
    }
    if (batch->state == RowState::End) break;
  }
  return {};
}

}  // namespace llama
