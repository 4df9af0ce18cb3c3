#include "map/near_rows.h"

#include <Eigen/Core>
#include <algorithm>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "map/map_threads.h"
#include "values/neighbour_graph.h"

namespace llama::internal {
namespace {

constexpr std::size_t kCandidatesPerNeighbor = 3;
constexpr std::size_t kExactBlock = 64;

using RowMatrixMap = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

Eigen::Index as_index(std::size_t i) { return static_cast<Eigen::Index>(i); }

// Ranks candidates of a row by the whole vectors, equal ones by their numbers, and keeps the best.
class Ranking {
 public:
  Ranking(const VectorMatrix& vectors, const std::vector<float>& scales, RowNeighbours& found)
      : vectors_(vectors), scales_(scales), found_(found) {}

  void keep(std::size_t row, std::vector<std::uint32_t>& candidates) const {
    std::vector<std::pair<float, std::uint32_t>> ranked;
    ranked.reserve(candidates.size());
    const auto own = mapped(row);
    for (const std::uint32_t other : candidates) {
      if (other != row) ranked.emplace_back(-own.dot(mapped(other)) * scales_[row] * scales_[other], other);
    }
    std::ranges::sort(ranked);
    for (std::size_t j = 0; j < found_.each; ++j) {
      // A search that found fewer than it should: the last one again.
      const auto& [distance, other] = ranked[std::min(j, ranked.size() - 1)];
      found_.rows[row * found_.each + j] = other;
      found_.similarities[row * found_.each + j] = -distance;
    }
  }

 private:
  [[nodiscard]] Eigen::Map<const Eigen::VectorXf> mapped(std::size_t row) const {
    return {vectors_.row(row).data(), as_index(vectors_.dimension)};
  }
  const VectorMatrix& vectors_;
  const std::vector<float>& scales_;
  RowNeighbours& found_;
};

// All pairs: |a - b|^2 = |a|^2 + |b|^2 - 2ab, a block of rows against all at once.
bool rank_all_pairs(const Coordinates& coordinates, const Ranking& ranking, std::size_t candidates,
                    const ProjectionOptions& options, const std::stop_token& stop, const auto& tell) {
  const std::size_t count = coordinates.values.size() / coordinates.axes;
  const RowMatrixMap all(coordinates.values.data(), as_index(count), as_index(coordinates.axes));
  const Eigen::VectorXf squares = all.rowwise().squaredNorm();
  const auto work = [&](std::size_t begin, std::size_t end) {
    // A column for each row of the block: how far away the others are, less the row's own square.
    Eigen::MatrixXf distances = all * all.middleRows(as_index(begin), as_index(end - begin)).transpose() * -2;
    distances.colwise() += squares;
    std::vector<std::uint32_t> order(count);
    for (std::size_t row = begin; row < end; ++row) {
      const auto column = distances.col(as_index(row - begin));
      for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
      const auto nearer = [&column](std::uint32_t a, std::uint32_t b) {
        return std::pair(column(as_index(a)), a) < std::pair(column(as_index(b)), b);
      };
      const std::size_t kept = std::min(count, candidates + 1);  // itself among them
      std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept - 1), order.end(), nearer);
      std::vector<std::uint32_t> best(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
      ranking.keep(row, best);
    }
  };
  return for_parts(count, kExactBlock, thread_count(options.threads), stop, work, tell);
}

Result<bool> rank_by_graph(const Coordinates& coordinates, const Ranking& ranking, std::size_t candidates,
                           const ProjectionOptions& options, const std::stop_token& stop, const auto& tell) {
  const std::size_t count = coordinates.values.size() / coordinates.axes;
  const NeighbourGraph::Options shape{.axes = coordinates.axes, .capacity = count, .seed = options.seed};
  auto graph = NeighbourGraph::make(shape);
  if (!graph) return std::unexpected(graph.error());
  const auto place = [&](std::size_t row) { return coordinates.values.data() + row * coordinates.axes; };
  for (std::size_t row = 0; row < count; ++row) {
    if (row % 1024 == 0) {
      if (stop.stop_requested()) return false;
      tell(0.8 * static_cast<double>(row) / static_cast<double>(count));
    }
    if (auto added = graph->add(static_cast<std::uint32_t>(row), place(row)); !added) {
      return std::unexpected(added.error());
    }
  }
  graph->set_search_breadth(std::max(shape.build_breadth, candidates + candidates / 2));
  std::mutex mutex;
  Result<void> all;  // the first error
  const auto work = [&](std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t> best;
    for (std::size_t row = begin; row < end; ++row) {
      if (auto found = graph->find(place(row), candidates + 1, best); !found) {
        const std::scoped_lock lock(mutex);
        all = found;
        return;
      }
      if (best.size() < 2) best.push_back(static_cast<std::uint32_t>(row == 0 ? 1 : row - 1));
      ranking.keep(row, best);
    }
  };
  const bool is_done =
      for_parts(count, 256, thread_count(options.threads), stop, work, [&](double share) { tell(0.8 + 0.2 * share); });
  if (!all) return std::unexpected(all.error());
  return is_done;
}

}  // namespace

Result<RowNeighbours> find_near_rows(const VectorMatrix& vectors, const std::vector<float>& scales,
                                     const Coordinates& coordinates, std::size_t each, const ProjectionOptions& options,
                                     const std::stop_token& stop) {
  const std::size_t count = vectors.rows();
  RowNeighbours found{
      .each = each, .rows = std::vector<std::uint32_t>(count * each), .similarities = std::vector<float>(count * each)};
  const Ranking ranking(vectors, scales, found);
  const std::size_t candidates = std::min(count - 1, kCandidatesPerNeighbor * each);
  const auto tell = [&](double share) {
    if (options.progress) options.progress("neighbours", share);
  };
  try {
    if (count > kExactRows) {
      const auto is_done = rank_by_graph(coordinates, ranking, candidates, options, stop, tell);
      if (!is_done) return std::unexpected(is_done.error());
      return *is_done ? std::move(found) : RowNeighbours{};
    }
    const bool is_done = rank_all_pairs(coordinates, ranking, candidates, options, stop, tell);
    return is_done ? std::move(found) : RowNeighbours{};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "not enough memory for the neighbours of each row");
  }
}

}  // namespace llama::internal
