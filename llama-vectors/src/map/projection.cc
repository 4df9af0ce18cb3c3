#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

#include "llama-vectors/map_projection.h"
#include "map/fuzzy_graph.h"
#include "map/layout.h"
#include "map/map_threads.h"
#include "map/near_rows.h"
#include "map/principal_axes.h"
#include "map/random_numbers.h"

namespace llama {
namespace {

constexpr std::size_t kAxes = 50;
constexpr std::size_t kManyRows = 10'000;
constexpr std::size_t kLargestNeighbors = 200;
constexpr float kFirstWidth = 10;  // half of the width with which the layout begins
constexpr float kInner = 0.92F;    // most points lie within; the last ones are drawn in to 1

std::vector<float> unit_scales(const VectorMatrix& vectors) {
  std::vector<float> scales(vectors.rows());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    double square = 0;
    for (const float entry : vectors.row(i)) square += static_cast<double>(entry) * entry;
    scales[i] = static_cast<float>(1 / std::sqrt(square));
  }
  return scales;
}

// The first two axes, and a little noise, without which equal rows could never part.
std::vector<MapPlace> first_places(const internal::Coordinates& coordinates, std::uint64_t seed) {
  std::vector<MapPlace> places(coordinates.values.size() / coordinates.axes);
  float largest = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const float* row = coordinates.values.data() + i * coordinates.axes;
    places[i] = {row[0], coordinates.axes > 1 ? row[1] : 0};
    largest = std::max({largest, std::abs(places[i].x), std::abs(places[i].y)});
  }
  internal::RandomNumbers random(seed + 1);
  const float scale = largest > 0 ? kFirstWidth / largest : 1;
  for (MapPlace& place : places) {
    place.x = place.x * scale + static_cast<float>(1e-3 * random.normal());
    place.y = place.y * scale + static_cast<float>(1e-3 * random.normal());
  }
  return places;
}

// From half a per cent to 99.5 per cent of the coordinates.
std::pair<float, float> usual_range(std::vector<float> coordinates) {
  std::ranges::sort(coordinates);
  const std::size_t last = coordinates.size() - 1;
  return {coordinates[last / 200], coordinates[last - last / 200]};
}

// UMAP knows no up and down: the longer way of the picture becomes the horizontal one, as screens are wide.
void lay_down(std::vector<MapPlace>& places) {
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (const MapPlace place : places) x += place.x, y += place.y;
  x /= static_cast<double>(places.size()), y /= static_cast<double>(places.size());
  for (const MapPlace place : places) {
    xx += (place.x - x) * (place.x - x), xy += (place.x - x) * (place.y - y), yy += (place.y - y) * (place.y - y);
  }
  const double angle = std::atan2(2 * xy, xx - yy) / 2;
  const auto cosine = static_cast<float>(std::cos(angle)), sine = static_cast<float>(std::sin(angle));
  for (MapPlace& place : places) place = {cosine * place.x + sine * place.y, cosine * place.y - sine * place.x};
}

// Beyond kInner distances shrink, so that a few points that are far out take no room from all others.
float drawn_in(float coordinate) {
  const float beyond = std::abs(coordinate) - kInner;
  if (beyond <= 0) return coordinate;
  const float room = 1 - kInner;
  return std::copysign(kInner + room * std::tanh(beyond / room), coordinate);
}

void fit_into_square(std::vector<MapPlace>& places) {
  std::vector<float> xs, ys;
  for (const MapPlace& place : places) xs.push_back(place.x), ys.push_back(place.y);
  const auto [left, right] = usual_range(std::move(xs));
  const auto [bottom, top] = usual_range(std::move(ys));
  const float width = std::max(right - left, top - bottom);
  const float scale = width > 0 ? 2 * kInner / width : 0;
  for (MapPlace& place : places) {
    place = {drawn_in((place.x - (left + right) / 2) * scale), drawn_in((place.y - (bottom + top) / 2) * scale)};
  }
}

}  // namespace

bool has_direction(std::span<const float> vector) {
  double square = 0;
  for (const float entry : vector) square += static_cast<double>(entry) * entry;
  return std::isfinite(square) && square > 0 && std::isfinite(static_cast<float>(1 / std::sqrt(square)));
}

Result<Projection> project(const VectorMatrix& vectors, const ProjectionOptions& options, const std::stop_token& stop) {
  const std::size_t count = vectors.rows();
  if (count == 0) return fail(ErrorCode::InvalidArgument, "there are no vectors to show");
  if (count >= std::size_t{1} << 31)
    return fail(ErrorCode::InvalidArgument, std::format("{} rows are too many for a map", count));
  if (options.neighbors == 0 || options.neighbors > kLargestNeighbors) {
    return fail(ErrorCode::InvalidArgument,
                std::format("a map's neighbours are 1 to {}, not {}", kLargestNeighbors, options.neighbors));
  }
  if (count == 1) return Projection{.places = {MapPlace{}}};
  const std::vector<float> scales = unit_scales(vectors);
  const auto coordinates = internal::principal_coordinates(vectors, scales, kAxes, options, stop);
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
  const std::size_t each = std::min(options.neighbors, count - 1);
  auto near = internal::find_near_rows(vectors, scales, coordinates, each, options, stop);
  if (!near) return std::unexpected(near.error());
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
  auto places = first_places(coordinates, options.seed);
  const std::size_t epochs = options.epochs > 0 ? options.epochs : count <= kManyRows ? 500 : 200;
  if (!internal::lay_out(internal::fuzzy_graph(*near), places, options, epochs, stop)) {
    return fail(ErrorCode::Cancelled, "stopped");
  }
  lay_down(places);
  fit_into_square(places);
  return Projection{.places = std::move(places),
                    .near_each = each,
                    .near = std::move(near->rows),
                    .similarities = std::move(near->similarities)};
}

}  // namespace llama
