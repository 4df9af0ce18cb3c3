#include "map/principal_axes.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>

#include "map/map_threads.h"
#include "map/random_numbers.h"

namespace llama::internal {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowsOf = Eigen::Map<const RowMatrix>;

constexpr std::size_t kSampleRows = 20'000;
constexpr std::size_t kSpareDirections = 10;
constexpr int kIterations = 7;

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

RowMatrix sample_of(const VectorMatrix& vectors, const std::vector<float>& scales) {
  const std::size_t count = std::min(vectors.rows(), kSampleRows);
  RowMatrix sample(index(count), index(vectors.dimension));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * vectors.rows() / count;
    sample.row(index(i)) = RowsOf(vectors.row(row).data(), 1, index(vectors.dimension)) * scales[row];
  }
  return sample;
}

Eigen::MatrixXf orthogonal(const Eigen::MatrixXf& directions) {
  const Eigen::HouseholderQR<Eigen::MatrixXf> factors(directions);
  return factors.householderQ() * Eigen::MatrixXf::Identity(directions.rows(), directions.cols());
}

// Columns: the directions, the largest first. Which way a direction points is chance; here its largest entry is
// positive.
Eigen::MatrixXf directions_of(const RowMatrix& sample, std::size_t axes, std::uint64_t seed) {
  const auto dimension = static_cast<std::size_t>(sample.cols());
  Eigen::MatrixXf directions(index(dimension), index(std::min(dimension, axes + kSpareDirections)));
  RandomNumbers random(seed);
  for (float& entry : directions.reshaped()) entry = static_cast<float>(random.normal());
  directions = orthogonal(directions);
  for (int i = 0; i < kIterations; ++i) directions = orthogonal(sample.transpose() * (sample * directions));
  const Eigen::MatrixXf seen = sample * directions;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(seen.transpose() * seen);  // the smallest first
  Eigen::MatrixXf found = (directions * solver.eigenvectors()).rowwise().reverse().leftCols(index(axes));
  for (auto column : found.colwise()) {
    Eigen::Index largest = 0;
    column.cwiseAbs().maxCoeff(&largest);
    if (column(largest) < 0) column = -column;
  }
  return found;
}

}  // namespace

Coordinates principal_coordinates(const VectorMatrix& vectors, const std::vector<float>& scales, std::size_t axes,
                                  const ProjectionOptions& options, const std::stop_token& stop) {
  axes = std::min(axes, vectors.dimension);
  RowMatrix sample = sample_of(vectors, scales);
  const Eigen::RowVectorXf mean = sample.colwise().mean();
  sample.rowwise() -= mean;
  const Eigen::MatrixXf directions = directions_of(sample, axes, options.seed);
  const Eigen::RowVectorXf offset = mean * directions;
  Coordinates found{.axes = axes, .values = std::vector<float>(vectors.rows() * axes)};
  const auto turn = [&](std::size_t begin, std::size_t end) {
    RowMatrix block = RowsOf(vectors.row(begin).data(), index(end - begin), index(vectors.dimension)) * directions;
    for (std::size_t i = begin; i < end; ++i) {
      Eigen::Map<Eigen::RowVectorXf>(found.values.data() + i * axes, index(axes)) =
          block.row(index(i - begin)) * scales[i] - offset;
    }
  };
  const auto tell = [&](double share) {
    if (options.progress) options.progress("axes", share);
  };
  if (!for_parts(vectors.rows(), 2048, thread_count(options.threads), stop, turn, tell)) return {};
  return found;
}

}  // namespace llama::internal
