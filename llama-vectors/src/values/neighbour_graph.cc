#include "values/neighbour_graph.h"

#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <exception>
#include <format>
#include <new>
#include <utility>

#include "values/similarity_kernels.h"

namespace llama::internal {
namespace {

float squared_distance(const void* a, const void* b, const void* axes) {
  return similarity_kernels().squared_distance(static_cast<const float*>(a), static_cast<const float*>(b),
                                               *static_cast<const std::size_t*>(axes));
}

// hnswlib says what is wrong by exceptions alone.
template <class Work>
Result<void> without_exceptions(Work&& work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "not enough memory for the index of neighbours");
  } catch (const std::exception& error) {
    return fail(ErrorCode::Internal, std::format("the index of neighbours: {}", error.what()));
  }
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

  explicit Graph(const Options& options)
      : space(options.axes),
        links(&space, options.capacity, options.links, options.build_breadth, static_cast<std::size_t>(options.seed)) {}

  Space space;
  hnswlib::HierarchicalNSW<float> links;
};

NeighbourGraph::NeighbourGraph(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
NeighbourGraph::NeighbourGraph(NeighbourGraph&&) noexcept = default;
NeighbourGraph& NeighbourGraph::operator=(NeighbourGraph&&) noexcept = default;
NeighbourGraph::~NeighbourGraph() = default;

Result<NeighbourGraph> NeighbourGraph::make(const Options& options) {
  std::unique_ptr<Graph> graph;
  if (auto made = without_exceptions([&] { graph = std::make_unique<Graph>(options); }); !made) {
    return std::unexpected(made.error());
  }
  return NeighbourGraph(std::move(graph));
}

Result<void> NeighbourGraph::add(std::uint32_t row, const float* place) {
  return without_exceptions([&] { graph_->links.addPoint(place, row); });
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

}  // namespace llama::internal
