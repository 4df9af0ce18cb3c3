#include "values/neighbour_graph.h"

#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <format>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "values/piece_team.h"
#include "values/similarity_kernels.h"

namespace llama::internal {
namespace {

float squared_distance(const void* a, const void* b, const void* axes) {
  return similarity_kernels().squared_distance(static_cast<const float*>(a), static_cast<const float*>(b),
                                               *static_cast<const std::size_t*>(axes));
}

std::unexpected<Error> no_graph_memory() {
  return fail(ErrorCode::OutOfMemory, "not enough memory for the index of neighbours");
}

// hnswlib says what is wrong by exceptions alone.
template <class Work>
Result<void> without_exceptions(Work&& work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return no_graph_memory();
  } catch (const std::exception& error) {
    return fail(ErrorCode::Internal, std::format("the index of neighbours: {}", error.what()));
  }
}

class AllowedRows : public hnswlib::BaseFilterFunctor {
 public:
  explicit AllowedRows(const std::vector<bool>& allowed) : allowed_(allowed) {}
  bool operator()(hnswlib::labeltype row) override { return allowed_[row]; }

 private:
  const std::vector<bool>& allowed_;
};

constexpr std::size_t kRowsAtOnce = 16;  // that a thread adds before it takes the next

// A row is in layer n with the probability links^-n, in none above the highest that a graph of its capacity needs. From
// the row alone (SplitMix64), so that no thread waits for another's number.
int highest_level(const NeighbourGraph::Options& options) {
  return static_cast<int>(std::log(std::max(static_cast<double>(options.capacity), 1.0)) /
                          std::log(static_cast<double>(options.links)));
}

int level_of(std::uint32_t row, const NeighbourGraph::Options& options) {
  std::uint64_t bits = options.seed + (row + 1ULL) * 0x9e3779b97f4a7c15U;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
  bits ^= bits >> 31;
  const double share = (static_cast<double>(bits >> 11) + 1) * 0x1p-53;
  const double level = -std::log(share) / std::log(static_cast<double>(options.links));
  return std::min(static_cast<int>(level), highest_level(options));
}

std::unexpected<Error> damaged_graph(std::string_view what) {
  return fail(ErrorCode::Corrupt, std::format("its graph is damaged: {}", what));
}

}  // namespace

struct NeighbourGraph::Graph {
  class Space : public hnswlib::SpaceInterface<float> {
   public:
    explicit Space(std::size_t axes) : axes_(axes) {}
    std::size_t get_data_size() override { return axes_ * sizeof(float); }
    hnswlib::DISTFUNC<float> get_dist_func() override { return squared_distance; }
    void* get_dist_func_param() override { return &axes_; }

   private:
    std::size_t axes_;
  };

  explicit Graph(const Options& shape)
      : options(shape),
        space(shape.axes),
        links(&space, std::max<std::size_t>(shape.capacity, 1), shape.links, shape.build_breadth,
              static_cast<std::size_t>(shape.seed)) {}

  [[nodiscard]] std::span<const std::byte> upper_of(std::size_t i) const {
    return {reinterpret_cast<const std::byte*>(links.linkLists_[i]),
            static_cast<std::size_t>(links.element_levels_[i]) * links.size_links_per_element_};
  }
  [[nodiscard]] Result<void> check(std::uint64_t row_limit) const;

  Options options;
  Space space;
  hnswlib::HierarchicalNSW<float> links;
};

NeighbourGraph::NeighbourGraph(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
NeighbourGraph::NeighbourGraph(NeighbourGraph&&) noexcept = default;
NeighbourGraph& NeighbourGraph::operator=(NeighbourGraph&&) noexcept = default;
NeighbourGraph::~NeighbourGraph() = default;

Result<NeighbourGraph> NeighbourGraph::make(const Options& options) {
  std::unique_ptr<Graph> graph;
  // All that can fail here is to get memory, which hnswlib says in two ways.
  if (auto made = without_exceptions([&] { graph = std::make_unique<Graph>(options); }); !made)
    return no_graph_memory();
  return NeighbourGraph(std::move(graph));
}

Result<void> NeighbourGraph::add(std::uint32_t row, const float* place) {
  return without_exceptions([&] { graph_->links.addPoint(place, row); });
}

// hnswlib begins each walk at a row of the highest layer, and reads which one it is while another thread may change it.
// So the first row, which is added alone, stands in the highest layer that there will be. hnswlib's own random levels,
// whose generator all threads share, are made zeros by mult_.
Result<void> NeighbourGraph::add_rows(std::span<const std::uint32_t> rows, const float* places, std::size_t workers,
                                      const std::stop_token& stop) {
  hnswlib::HierarchicalNSW<float>& links = graph_->links;
  const Options& options = graph_->options;
  links.mult_ = 0;
  const std::size_t alone = size() == 0 && !rows.empty() ? 1 : 0;
  if (alone > 0) {
    auto first = without_exceptions([&] { links.addPoint(places, rows[0], highest_level(options)); });
    if (!first) return first;
  }
  std::mutex mutex;
  Result<void> failed;
  const std::size_t parts = (rows.size() - alone + kRowsAtOnce - 1) / kRowsAtOnce;
  auto shared = share_work(parts, workers, stop, [&](std::size_t, std::size_t part) {
    auto added = without_exceptions([&] {
      const std::size_t begin = alone + part * kRowsAtOnce;
      for (std::size_t i = begin; i < std::min(rows.size(), begin + kRowsAtOnce); ++i)
        links.addPoint(places + i * options.axes, rows[i], level_of(rows[i], options));
    });
    if (added) return;
    const std::scoped_lock lock(mutex);
    failed = std::move(added);
  });
  return shared ? failed : shared;
}

void NeighbourGraph::set_search_breadth(std::size_t breadth) { graph_->links.setEf(breadth); }

Result<void> NeighbourGraph::find(const float* place, std::size_t count, std::vector<std::uint32_t>& rows) const {
  return without_exceptions([&] {
    rows.clear();
    for (auto found = graph_->links.searchKnn(place, count); !found.empty(); found.pop()) {
      rows.push_back(static_cast<std::uint32_t>(found.top().second));
    }
  });
}

Result<void> NeighbourGraph::find_among(const float* place, std::size_t count, const std::vector<bool>* allowed,
                                        std::vector<Near>& found) const {
  return without_exceptions([&] {
    found.clear();
    std::optional<AllowedRows> filter;
    if (allowed != nullptr) filter.emplace(*allowed);
    auto queue = graph_->links.searchKnn(place, count, filter ? &*filter : nullptr);
    for (; !queue.empty(); queue.pop())
      found.push_back({queue.top().first, static_cast<std::uint32_t>(queue.top().second)});
    std::ranges::sort(found);
  });
}

void NeighbourGraph::scan(const float* place, std::size_t count, const std::vector<bool>* allowed,
                          std::vector<Near>& found) const {
  found.clear();
  if (count == 0) return;
  const auto& links = graph_->links;
  for (std::size_t i = 0; i < size(); ++i) {
    const auto id = static_cast<hnswlib::tableint>(i);
    const auto row = static_cast<std::uint32_t>(links.getExternalLabel(id));
    if (allowed != nullptr && !(*allowed)[row]) continue;
    const Near near{squared_distance(place, links.getDataByInternalId(id), &graph_->options.axes), row};
    if (found.size() < count) {
      found.push_back(near);
      std::ranges::push_heap(found);  // the farthest on top
    } else if (near < found.front()) {
      std::ranges::pop_heap(found);
      found.back() = near;
      std::ranges::push_heap(found);
    }
  }
  std::ranges::sort(found);
}

std::size_t NeighbourGraph::size() const { return graph_->links.cur_element_count; }

std::vector<std::uint32_t> NeighbourGraph::rows() const {
  std::vector<std::uint32_t> rows(size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<std::uint32_t>(graph_->links.getExternalLabel(static_cast<hnswlib::tableint>(i)));
  return rows;
}

std::size_t NeighbourGraph::ground_bytes(const Options& options) {
  return (2 * options.links + 1) * sizeof(hnswlib::tableint) + options.axes * sizeof(float) +
         sizeof(hnswlib::labeltype);
}

std::size_t NeighbourGraph::upper_bytes(const Options& options) {
  return (options.links + 1) * sizeof(hnswlib::tableint);
}

// Beside the rows themselves: a lock, a level and a pointer of each, its entry in the table of numbers, marks of those
// that a thread has seen, and a few links above the lowest layer.
std::uint64_t NeighbourGraph::memory_bytes(const Options& options, std::size_t workers) {
  constexpr std::size_t kTableEntry = 48;
  const std::size_t beside = sizeof(std::mutex) + sizeof(int) + sizeof(void*) + kTableEntry +
                             workers * sizeof(hnswlib::vl_type) + upper_bytes(options) / (options.links - 1);
  return options.capacity * (ground_bytes(options) + beside);
}

std::vector<std::uint8_t> NeighbourGraph::levels() const {
  const auto begin = graph_->links.element_levels_.begin();
  return {begin, begin + static_cast<std::ptrdiff_t>(size())};
}

std::span<const std::byte> NeighbourGraph::ground() const {
  return {reinterpret_cast<const std::byte*>(graph_->links.data_level0_memory_),
          size() * graph_->links.size_data_per_element_};
}

std::vector<std::byte> NeighbourGraph::upper_links() const {
  std::vector<std::byte> all;
  for (std::size_t i = 0; i < size(); ++i)
    if (graph_->links.element_levels_[i] > 0) all.append_range(graph_->upper_of(i));
  return all;
}

// hnswlib follows links without a look at where they lead; distances that are not finite have no order.
Result<void> NeighbourGraph::Graph::check(std::uint64_t row_limit) const {
  const std::size_t count = links.cur_element_count;
  std::vector<bool> seen(row_limit);
  const std::vector<float> origin(options.axes);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<hnswlib::tableint>(i);
    const std::uint64_t row = links.getExternalLabel(id);
    if (row >= row_limit || seen[row]) return damaged_graph("a row's number");
    seen[row] = true;
    if (!std::isfinite(squared_distance(origin.data(), links.getDataByInternalId(id), &options.axes)))
      return damaged_graph("a place");
    for (int level = 0; level <= links.element_levels_[i]; ++level) {
      const hnswlib::linklistsizeint* const list = links.get_linklist_at_level(id, level);
      // The bits beside the number of links mark a row as deleted: none is.
      if (*list > (level == 0 ? links.maxM0_ : links.maxM_)) return damaged_graph("a list of links");
      for (std::size_t j = 1; j <= *list; ++j)
        if (list[j] >= count || links.element_levels_[list[j]] < level) return damaged_graph("a link");
    }
  }
  return {};
}

Result<NeighbourGraph> NeighbourGraph::restore(const Options& options, std::span<const std::uint8_t> levels,
                                               std::span<const std::byte> upper_links,
                                               const std::function<Result<void>(std::span<std::byte>)>& read_ground,
                                               std::uint64_t row_limit) {
  auto made = make(options);
  if (!made) return made;
  hnswlib::HierarchicalNSW<float>& links = made->graph_->links;
  std::span<const std::byte> rest = upper_links;
  for (std::size_t i = 0; i < options.capacity; ++i) {
    const std::size_t bytes = levels[i] * upper_bytes(options);
    if (bytes > rest.size()) return damaged_graph("a row's layers");
    links.linkLists_[i] = nullptr;
    if (bytes > 0) {
      links.linkLists_[i] = static_cast<char*>(std::malloc(bytes));
      if (links.linkLists_[i] == nullptr) return no_graph_memory();
      std::memcpy(links.linkLists_[i], rest.data(), bytes);
      rest = rest.subspan(bytes);
    }
    links.element_levels_[i] = levels[i];
    links.cur_element_count = i + 1;
    // The first row of the highest layer, where add_rows() began.
    if (std::cmp_less_equal(levels[i], links.maxlevel_)) continue;
    links.maxlevel_ = levels[i];
    links.enterpoint_node_ = static_cast<hnswlib::tableint>(i);
  }
  if (!rest.empty()) return damaged_graph("a row's layers");
  auto read = read_ground(
      {reinterpret_cast<std::byte*>(links.data_level0_memory_), options.capacity * links.size_data_per_element_});
  if (!read) return std::unexpected(read.error());
  if (auto checked = made->graph_->check(row_limit); !checked) return std::unexpected(checked.error());
  return made;
}

}  // namespace llama::internal
