#include "index/index_candidates.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

#include "values/piece_team.h"
#include "values/row_vectors.h"

namespace llama::internal {
namespace {

using Near = NeighbourGraph::Near;

constexpr std::size_t kUnscaledHits = 16;  // up to so many hits the breadth is as it is said
// Of squared distances of vectors of length 1 in float32: what sums of some thousand terms may be off by.
constexpr float kDistanceMargin = 1e-5F;
constexpr std::size_t kMaxDoubtful = 1000;

// A walk looks at the links of each row on its way, and where few rows count, at more rows until it has enough of them.
bool is_scan_cheaper(const IndexContent& content, const CandidateSearch& search, std::size_t breadth) {
  const auto wanted = static_cast<double>(search.searched);
  const auto walked = static_cast<double>(breadth) * static_cast<double>(2 * content.shape.links);
  return wanted * wanted <= walked * static_cast<double>(content.graph.size());
}

// Without those that are surely farther than the k-th.
void cut(std::vector<Near>& found, std::size_t k) {
  if (found.size() <= k) return;
  const float limit = found[k - 1].distance + kDistanceMargin;
  std::size_t kept = k;
  while (kept < std::min(found.size(), k + kMaxDoubtful) && found[kept].distance <= limit) ++kept;
  found.resize(kept);
}

// The cosine of one query and one stored vector, by the kernels of exact search and in its order.
class CandidateScorer {
 public:
  CandidateScorer(const VectorFile& file, const QueryVectors& queries)
      : queries_(queries),
        widener_(file.table().vectors().element, file.dimension(), file.provenance().int8_scales),
        is_bits_(file.table().vectors().element == VectorElement::Bits),
        wide_(widener_.length()) {}

  double score(std::size_t query, const std::byte* vector) {
    if (is_bits_) return queries_.signed_sum(query, vector) * queries_.bits_scale();
    widener_.widen(vector, wide_.data());
    double product = 0;
    const double squares = similarity_kernels().products(wide_.data(), queries_.values() + query * queries_.length(), 1,
                                                         wide_.size(), &product);
    return product / std::sqrt(squares);
  }

 private:
  const QueryVectors& queries_;
  VectorWidener widener_;
  bool is_bits_;
  std::vector<double> wide_;
};

}  // namespace

Result<std::vector<Near>> find_candidates(const IndexContent& content, const QueryVectors& queries, std::size_t query,
                                          const CandidateSearch& search) {
  const double* const wide = queries.values() + query * queries.length();
  const std::vector<float> place(wide, wide + content.shape.axes);
  const std::vector<bool>* const allowed = search.rows != nullptr ? &search.rows->has : nullptr;
  const std::size_t wanted = std::min<std::uint64_t>(search.k, search.searched);
  std::vector<Near> found;
  if (wanted == 0) return found;
  const std::size_t breadth = std::max(
      {search.breadth, wanted, (search.breadth * std::max(wanted, kUnscaledHits) + kUnscaledHits - 1) / kUnscaledHits});
  if (!is_scan_cheaper(content, search, breadth)) {
    auto walked = content.graph.find_among(place.data(), breadth, allowed, found);
    if (!walked) return std::unexpected(walked.error());
  }
  // Also where parts of the graph cannot be reached from where a walk begins.
  if (found.size() < wanted) content.graph.scan(place.data(), wanted + kMaxDoubtful, allowed, found);
  cut(found, wanted);
  return found;
}

Result<std::vector<std::vector<double>>> score_candidates(const VectorFile& file, const QueryVectors& queries,
                                                          std::span<const std::vector<std::uint32_t>> candidates,
                                                          std::size_t workers, const std::stop_token& stop) {
  std::vector<std::uint64_t> rows;
  for (const auto& each : candidates) rows.append_range(each);
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  auto stored = RowVectors::read(file, rows, workers, stop);
  if (!stored) return std::unexpected(stored.error());
  CandidateScorer scorer(file, queries);
  std::vector<std::vector<double>> scores(candidates.size());
  for (std::size_t query = 0; query < candidates.size(); ++query) {
    for (const std::uint32_t row : candidates[query]) {
      const auto at = static_cast<std::size_t>(std::ranges::lower_bound(rows, row) - rows.begin());
      const std::byte* const vector = stored->vector(at);
      if (vector == nullptr)
        return fail(ErrorCode::Corrupt, std::format("row {} no longer has the vector that the index knows", row));
      scores[query].push_back(scorer.score(query, vector));
    }
  }
  return scores;
}

}  // namespace llama::internal
