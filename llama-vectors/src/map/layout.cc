#include "map/layout.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <thread>

#include "map/map_threads.h"
#include "map/random_numbers.h"

namespace llama::internal {
namespace {

constexpr float kA = 1.57694F, kB = 0.89506F;
constexpr float kLargestStep = 4;
constexpr int kRepulsions = 5;  // for each sample of an edge
constexpr std::size_t kBlocks = 24;
constexpr std::size_t kSmallestBlock = 256;

float clipped(float step) { return std::clamp(step, -kLargestStep, kLargestStep); }

// a / b - 1 by the exponents' bits would be faster, and not the same everywhere: pow() of the library.
void attract(MapPlace& own, const MapPlace& other, float rate) {
  const float dx = own.x - other.x, dy = own.y - other.y, square = dx * dx + dy * dy;
  if (square <= 0) return;
  const float power = std::pow(square, kB);
  const float pull = -2 * kA * kB * power / square / (1 + kA * power);
  own.x += rate * clipped(pull * dx);
  own.y += rate * clipped(pull * dy);
}

void repel(MapPlace& own, const MapPlace& other, float rate) {
  const float dx = own.x - other.x, dy = own.y - other.y, square = dx * dx + dy * dy;
  if (square <= 0) return;
  const float push = 2 * kB / ((0.001F + square) * (1 + kA * std::pow(square, kB)));
  own.x += rate * clipped(push * dx);
  own.y += rate * clipped(push * dy);
}

class Descent {
 public:
  Descent(const FuzzyGraph& graph, std::vector<MapPlace>& places, const ProjectionOptions& options, std::size_t epochs)
      : graph_(graph),
        places_(places),
        moved_(places.size()),
        order_(places.size()),
        seed_(options.seed),
        epochs_(epochs) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    RandomNumbers random(seed_);
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
    const float heaviest = graph.weights.empty() ? 1 : std::ranges::max(graph.weights);
    rates_.reserve(graph.weights.size());
    for (const float weight : graph.weights) rates_.push_back(weight / heaviest);
    blocks_ = std::clamp<std::size_t>(places.size() / kSmallestBlock, 1, kBlocks);
  }

  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  [[nodiscard]] std::pair<std::size_t, std::size_t> block(std::size_t b) const {
    return {order_.size() * b / blocks_, order_.size() * (b + 1) / blocks_};
  }

  // The new places of a part of a block: seen by nobody before commit().
  void compute(std::size_t epoch, std::size_t begin, std::size_t end) {
    const float rate = 1 - static_cast<float>(epoch) / static_cast<float>(epochs_);
    for (std::size_t k = begin; k < end; ++k) moved_[order_[k]] = walk(order_[k], epoch, rate);
  }
  void commit(std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) places_[order_[k]] = moved_[order_[k]];
  }

 private:
  [[nodiscard]] MapPlace walk(std::uint32_t row, std::size_t epoch, float rate) const {
    MapPlace own = places_[row];
    RandomNumbers random(seed_ ^ (static_cast<std::uint64_t>(row) << 24 | epoch) * 0x9e3779b97f4a7c15);
    for (std::size_t e = graph_.starts[row]; e < graph_.starts[row + 1]; ++e) {
      // An edge of weight w is taken in w of all epochs, evenly.
      const float now = rates_[e] * static_cast<float>(epoch + 1), before = rates_[e] * static_cast<float>(epoch);
      if (std::floor(now) == std::floor(before)) continue;
      const MapPlace& other = places_[graph_.ends[e]];
      attract(own, other, rate);
      attract(own, other, rate);
      for (int i = 0; i < kRepulsions; ++i) {
        const std::uint32_t far = random.below(places_.size());
        if (far != row) repel(own, places_[far], rate);
      }
    }
    return own;
  }

  const FuzzyGraph& graph_;
  std::vector<MapPlace>& places_;
  std::vector<MapPlace> moved_;
  std::vector<std::uint32_t> order_;  // a random one
  std::vector<float> rates_;
  std::uint64_t seed_;
  std::size_t epochs_, blocks_ = 1;
};

}  // namespace

bool lay_out(const FuzzyGraph& graph, std::vector<MapPlace>& places, const ProjectionOptions& options,
             std::size_t epochs, const std::stop_token& stop) {
  Descent descent(graph, places, options, epochs);
  const std::size_t threads = std::clamp<std::size_t>(places.size() / 2048, 1, thread_count(options.threads));
  std::barrier meeting(static_cast<std::ptrdiff_t>(threads));
  std::atomic<bool> is_stopped = false;
  const auto run = [&](std::size_t thread) {
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
      if (thread == 0) {
        is_stopped = stop.stop_requested();
        if (options.progress) options.progress("layout", static_cast<double>(epoch) / static_cast<double>(epochs));
      }
      meeting.arrive_and_wait();
      if (is_stopped) return;
      for (std::size_t b = 0; b < descent.blocks(); ++b) {
        const auto [begin, end] = descent.block(b);
        const std::size_t from = begin + (end - begin) * thread / threads;
        const std::size_t to = begin + (end - begin) * (thread + 1) / threads;
        descent.compute(epoch, from, to);
        meeting.arrive_and_wait();
        descent.commit(from, to);
        meeting.arrive_and_wait();
      }
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < threads; ++thread) others.emplace_back([&run, thread] { run(thread); });
    run(0);
  }
  return !is_stopped;
}

}  // namespace llama::internal
