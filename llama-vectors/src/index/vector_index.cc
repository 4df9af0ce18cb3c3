#include "llama-vectors/vector_index.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "index/index_candidates.h"
#include "index/index_content.h"
#include "search/best_rows.h"
#include "values/piece_team.h"

namespace llama {
namespace internal {
namespace {

// What exact search would count: all, or of the rows that are wanted.
SearchAnswer count_rows(const IndexContent& content, const RowSet* rows) {
  SearchAnswer answer;
  if (rows == nullptr) {
    answer.searched = content.graph.size();
    answer.nulls = content.nulls;
    answer.other_lengths = content.other_lengths;
    answer.non_finite = content.non_finite;
    answer.zeros = content.zeros;
    return answer;
  }
  std::uint64_t* const counts[] = {&answer.searched, &answer.nulls, &answer.other_lengths, &answer.non_finite,
                                   &answer.zeros};
  for (std::size_t row = 0; row < content.rows.size(); ++row)
    if (rows->has[row]) ++*counts[static_cast<std::size_t>(content.rows[row])];
  return answer;
}

}  // namespace
}  // namespace internal

VectorIndex::VectorIndex(std::shared_ptr<const internal::IndexContent> content) : content_(std::move(content)) {}

std::uint64_t VectorIndex::vectors() const { return content_->graph.size(); }
std::uint64_t VectorIndex::sampled() const { return content_->sampled; }
const std::vector<IndexRecall>& VectorIndex::recalls() const { return content_->recalls; }

IndexRecall VectorIndex::breadth_for(double recall, std::size_t narrowest) const {
  const auto first = std::ranges::lower_bound(recalls(), narrowest, {}, &IndexRecall::breadth);
  const std::ranges::subrange wide(first, recalls().end());
  const auto enough = std::ranges::find_if(wide, [&](const IndexRecall& each) { return each.recall >= recall; });
  return enough != wide.end() ? *enough : *std::ranges::max_element(wide, {}, &IndexRecall::recall);
}

Result<SearchAnswer> VectorIndex::search(const VectorFile& file, std::span<const std::vector<float>> queries,
                                         const IndexSearchOptions& options, const std::stop_token& stop) const {
  SearchAnswer answer = internal::count_rows(*content_, options.rows);
  if (file.dimension() == 0) {
    answer.hits.resize(queries.size());
    return answer;
  }
  const auto wide = internal::QueryVectors::make(file, queries);
  if (!wide) return std::unexpected(wide.error());
  const internal::CandidateSearch wanted{
      .k = options.k, .breadth = options.breadth, .rows = options.rows, .searched = answer.searched};
  const std::size_t workers = internal::team_size(options.threads, std::max(queries.size(), file.table().pieces()));
  std::vector<Result<std::vector<internal::NeighbourGraph::Near>>> near(queries.size());
  auto shared = internal::share_work(queries.size(), workers, stop, [&](std::size_t, std::size_t query) {
    near[query] = internal::find_candidates(*content_, *wide, query, wanted);
  });
  if (!shared) return std::unexpected(shared.error());
  std::vector<std::vector<std::uint32_t>> candidates(queries.size());
  for (std::size_t query = 0; query < queries.size(); ++query) {
    if (!near[query]) return std::unexpected(near[query].error());
    for (const auto& each : *near[query]) candidates[query].push_back(each.row);
  }
  const auto scores = internal::score_candidates(file, *wide, candidates, workers, stop);
  if (!scores) return std::unexpected(scores.error());
  for (std::size_t query = 0; query < queries.size(); ++query) {
    internal::BestRows best(options.k);
    for (std::size_t i = 0; i < candidates[query].size(); ++i) best.add(candidates[query][i], (*scores)[query][i]);
    std::vector<SearchHit> hits = best.take();
    for (SearchHit& hit : hits) hit.score = std::clamp(hit.score, -1.0, 1.0);
    answer.hits.push_back(std::move(hits));
  }
  return answer;
}

}  // namespace llama
