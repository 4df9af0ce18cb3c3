#include <format>
#include <nlohmann/json.hpp>

#include "compare/compare.h"
#include "progress.h"
#include "vectors/terminal_text.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json figure_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

void print_comparison(const Console& console, const CompareResult& result) {
  const FileComparison& c = result.found;
  console.line("Texts: {} in both, {} only in the first, {} only in the second", with_thousands(c.in_both),
               with_thousands(c.only_a), with_thousands(c.only_b));
  if (result.differences.empty()) {
    console.line("What they say of where they come from: the same");
  } else {
    console.line("What they say differently (first, second):");
    for (const std::string& line : result.differences) console.line("  {}", line);
  }
  if (c.cosines && c.cosines->count > 0) {
    console.line("Cosine of each text's two vectors: {:.6f} to {:.6f}, mean {:.6f}", c.cosines->least,
                 c.cosines->greatest, c.cosines->mean);
    if (c.without_direction > 0)
      console.line("  without {} texts that have zeros or NaN in one of them", with_thousands(c.without_direction));
  } else if (!c.no_cosine.empty()) {
    console.line("Cosines between the files mean nothing: {}", c.no_cosine);
  }
  const NeighbourAgreement& near = c.neighbours;
  if (near.compared >= 2)
    console.line("Neighbours: of the {} nearest of {} texts {:.1f} % are the same (recall@{}), rank correlation {:.4f}",
                 near.k, with_thousands(near.compared), 100 * near.recall, near.k, near.rank_correlation);
  if (c.moved.empty()) return;
  console.line("Moved most (row in the first, in the second):");
  for (std::size_t i = 0; i < c.moved.size(); ++i) {
    const MovedText& text = c.moved[i];
    const std::string figure = text.cosine ? std::format("cosine {:.6f}", *text.cosine)
                                           : std::format("{:.0f} % same neighbours", 100 * text.overlap.value_or(0));
    console.line("{}", fitted(std::format("  {}, {}: {}: {}", text.row_a, text.row_b, figure, result.texts[i]),
                              terminal_columns()));
  }
}

std::string json_of_comparison(const CompareResult& result) {
  const FileComparison& c = result.found;
  Json moved = Json::array();
  for (std::size_t i = 0; i < c.moved.size(); ++i)
    moved.push_back({{"row_a", c.moved[i].row_a},
                     {"row_b", c.moved[i].row_b},
                     {"cosine", figure_or_null(c.moved[i].cosine)},
                     {"overlap", figure_or_null(c.moved[i].overlap)},
                     {"text", result.texts[i]}});
  Json cosine;
  if (c.cosines && c.cosines->count > 0)
    cosine = {{"count", c.cosines->count},
              {"min", c.cosines->least},
              {"max", c.cosines->greatest},
              {"mean", c.cosines->mean}};
  const bool has_neighbours = c.neighbours.compared >= 2;
  const Json whole = {{"rows_a", c.rows_a},
                      {"rows_b", c.rows_b},
                      {"texts_a", c.texts_a},
                      {"texts_b", c.texts_b},
                      {"in_both", c.in_both},
                      {"only_a", c.only_a},
                      {"only_b", c.only_b},
                      {"differences", result.differences},
                      {"cosine", std::move(cosine)},
                      {"no_cosine", c.no_cosine.empty() ? Json(nullptr) : Json(c.no_cosine)},
                      {"without_direction", c.without_direction},
                      {"compared", c.neighbours.compared},
                      {"k", c.neighbours.k},
                      {"recall", has_neighbours ? Json(c.neighbours.recall) : Json(nullptr)},
                      {"rank_correlation", has_neighbours ? Json(c.neighbours.rank_correlation) : Json(nullptr)},
                      {"moved", std::move(moved)}};
  return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace llama
