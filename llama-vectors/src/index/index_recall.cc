#include "index/index_recall.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "index/index_candidates.h"
#include "search/best_rows.h"
#include "values/piece_team.h"
#include "values/row_vectors.h"

namespace llama::internal {
namespace {

constexpr std::size_t kAskedRows = 200;
constexpr std::size_t kOthers = 10;

std::vector<std::uint64_t> choose_asked(const IndexContent& content) {
  const std::uint64_t vectors = content.graph.size();
  const std::uint64_t count = std::min<std::uint64_t>(vectors, kAskedRows);
  std::vector<std::uint64_t> sample;
  std::uint64_t at = 0;
  for (std::uint64_t row = 0; row < content.rows.size() && sample.size() < count; ++row) {
    if (content.rows[row] != IndexedRow::Held) continue;
    if (at++ == sample.size() * vectors / count) sample.push_back(row);
  }
  return sample;
}

Result<std::vector<std::vector<float>>> read_sample(const VectorFile& file, const std::vector<std::uint64_t>& sample,
                                                    std::size_t workers, const std::stop_token& stop) {
  auto stored = RowVectors::read(file, sample, workers, stop);
  if (!stored) return std::unexpected(stored.error());
  const VectorWidener widener(file.table().vectors().element, file.dimension(), file.provenance().int8_scales);
  std::vector<double> wide(widener.length());
  std::vector<std::vector<float>> queries;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (stored->vector(i) == nullptr) return fail(ErrorCode::Corrupt, "the file has changed while it was read");
    widener.widen(stored->vector(i), wide.data());
    queries.emplace_back(wide.begin(), wide.begin() + file.dimension());
  }
  return queries;
}

// The score that a row needs to be one of the best others.
std::vector<double> find_limits(SearchAnswer& exact, const std::vector<std::uint64_t>& sample) {
  std::vector<double> limits;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    auto& hits = exact.hits[i];
    std::erase_if(hits, [&](const SearchHit& hit) { return hit.row == sample[i]; });
    limits.push_back(hits[std::min(hits.size(), kOthers) - 1].score);
  }
  return limits;
}

// Of one query: what is found at each breadth, and the scores of all of it.
struct SampleRow {
  std::array<std::vector<std::uint32_t>, kBreadths.size()> found;
  std::vector<std::uint32_t> all;
};

Result<SampleRow> ask_index(const IndexContent& content, const QueryVectors& queries, std::size_t query) {
  SampleRow row;
  for (std::size_t i = 0; i < kBreadths.size(); ++i) {
    const auto near = find_candidates(content, queries, query,
                                      {.k = kOthers + 1,  // and the row itself
                                       .breadth = kBreadths[i],
                                       .rows = nullptr,
                                       .searched = content.graph.size()});
    if (!near) return std::unexpected(near.error());
    for (const auto& each : *near) row.found[i].push_back(each.row);
    row.all.append_range(row.found[i]);
  }
  std::ranges::sort(row.all);
  row.all.erase(std::ranges::unique(row.all).begin(), row.all.end());
  return row;
}

// How many of the hits that a search at this breadth gives are as good as the exact ones.
std::size_t count_right(const SampleRow& asked, std::size_t breadth, const std::vector<double>& scores,
                        std::uint64_t itself, double limit) {
  BestRows best(kOthers + 1);
  for (const std::uint32_t row : asked.found[breadth])
    best.add(row, scores[static_cast<std::size_t>(std::ranges::lower_bound(asked.all, row) - asked.all.begin())]);
  std::vector<SearchHit> hits = best.take();
  std::erase_if(hits, [&](const SearchHit& hit) { return hit.row == itself; });
  if (hits.size() > kOthers) hits.resize(kOthers);
  return static_cast<std::size_t>(
      std::ranges::count_if(hits, [&](const SearchHit& hit) { return std::clamp(hit.score, -1.0, 1.0) >= limit; }));
}

}  // namespace

Result<void> measure_index(const VectorFile& file, IndexContent& content, const IndexBuildOptions& options,
                           const std::stop_token& stop) {
  const std::vector<std::uint64_t> sample = choose_asked(content);
  if (sample.size() < 2) return {};
  const std::size_t workers = team_size(options.threads, std::max(sample.size(), file.table().pieces()));
  auto queries = read_sample(file, sample, workers, stop);
  if (!queries) return std::unexpected(queries.error());
  auto exact = search_vectors(
      file, *queries,
      {.k = kOthers + 1, .rows = nullptr, .threads = options.threads, .on_progress = options.on_measured}, stop);
  if (!exact) return std::unexpected(exact.error());
  const std::vector<double> limits = find_limits(*exact, sample);
  const auto wide = QueryVectors::make(file, *queries);
  if (!wide) return std::unexpected(wide.error());

  std::vector<Result<SampleRow>> asked(sample.size());
  auto shared = share_work(sample.size(), workers, stop,
                           [&](std::size_t, std::size_t query) { asked[query] = ask_index(content, *wide, query); });
  if (!shared) return shared;
  std::vector<std::vector<std::uint32_t>> candidates;
  for (const auto& each : asked) {
    if (!each) return std::unexpected(each.error());
    candidates.push_back(each->all);
  }
  const auto scores = score_candidates(file, *wide, candidates, workers, stop);
  if (!scores) return std::unexpected(scores.error());
  const std::size_t others = std::min<std::size_t>(kOthers, content.graph.size() - 1);
  for (std::size_t breadth = 0; breadth < kBreadths.size(); ++breadth) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < sample.size(); ++i)
      right += count_right(*asked[i], breadth, (*scores)[i], sample[i], limits[i]);
    content.recalls.push_back(
        {kBreadths[breadth], static_cast<double>(right) / static_cast<double>(sample.size() * others)});
  }
  content.sampled = sample.size();
  return {};
}

}  // namespace llama::internal
