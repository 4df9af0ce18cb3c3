#include "dedup/hash_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "values/piece_team.h"
#include "values/similarity_kernels.h"

namespace llama::internal {
namespace {

constexpr std::size_t kTileRows = 128;
constexpr std::size_t kNumberedTogether = 1024;
// More rows of one number than these are shared among the workers.
constexpr std::size_t kRowsOfOneWorker = 64 * kTileRows;
// Sums of doubles: equal directions may miss 1 by so much.
constexpr double kRounding = 1e-12;

// A number above 0, at most 1.
double unit_number(std::mt19937_64& random) { return (static_cast<double>(random() >> 11) + 1) * 0x1p-53; }

}  // namespace

// Box and Muller, "A note on the generation of random normal deviates", 1958; one of the two that come together.
double Gaussian::next() {
  const double radius = std::sqrt(-2 * std::log(unit_number(random_)));
  return radius * std::cos(2 * std::numbers::pi * unit_number(random_));
}

// Of length 1.
void NearRows::widen(std::uint64_t place, double* out) const {
  widener_.widen(vectors_.vector(rows_[place]), out);
  double squares = 0;
  similarity_kernels().products(out, out, 1, widener_.length(), &squares);
  const double length = std::sqrt(squares);
  for (std::size_t i = 0; i < widener_.dimension(); ++i) out[i] /= length;
}

std::vector<double> NearRows::random_cosines(std::size_t pairs, std::uint64_t seed) const {
  std::vector<double> cosines;
  if (rows_.size() < 2) return cosines;
  std::mt19937_64 random(seed);
  std::vector<double> a(widener_.length()), b(widener_.length());
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::uint64_t first = random() % rows_.size();
    const std::uint64_t second = (first + 1 + random() % (rows_.size() - 1)) % rows_.size();
    widen(first, a.data());
    widen(second, b.data());
    double cosine = 0;
    similarity_kernels().products(a.data(), b.data(), 1, a.size(), &cosine);
    cosines.push_back(cosine);
  }
  return cosines;
}

// Bit i of a vector's number: on which side of hyperplane i it lies. Cost: `bits` products for each vector.
Result<std::vector<NearRows::Entry>> NearRows::number_rows(int bits, Gaussian& random,
                                                           const std::stop_token& stop) const {
  const std::size_t length = widener_.length(), count = rows_.size(), planes = static_cast<std::size_t>(bits);
  std::vector<double> normals(planes * length);
  for (std::size_t plane = 0; plane < planes; ++plane)
    for (std::size_t i = 0; i < widener_.dimension(); ++i) normals[plane * length + i] = random.next();
  std::vector<Entry> entries(count);
  const std::size_t parts = (count + kNumberedTogether - 1) / kNumberedTogether;
  auto shared = share_work(parts, workers_, stop, [&](std::size_t, std::size_t part) {
    std::vector<double> wide(length), sides(planes);
    const std::size_t end = std::min(count, (part + 1) * kNumberedTogether);
    for (std::size_t i = part * kNumberedTogether; i < end; ++i) {
      widener_.widen(vectors_.vector(rows_[i]), wide.data());
      similarity_kernels().products(wide.data(), normals.data(), planes, length, sides.data());
      std::uint64_t number = 0;
      for (const double side : sides) number = number << 1 | (side >= 0 ? 1U : 0U);
      entries[i] = {.number = number, .place = i};
    }
  });
  if (!shared) return std::unexpected(shared.error());
  std::ranges::sort(entries);
  return entries;
}

// Some rows side by side, wide. Members are numbered within the rows that share a number.
struct NearRows::Tile {
  std::size_t begin = 0, count = 0;
  std::vector<double> values;
};

void NearRows::fill(Tile& tile, const std::vector<std::uint64_t>& places, std::size_t begin, std::size_t count) const {
  tile.begin = begin;
  tile.count = count;
  tile.values.assign(count * widener_.length(), 0.0);
  for (std::size_t i = 0; i < count; ++i) widen(places[begin + i], &tile.values[i * widener_.length()]);
}

// Rows that share a number are compared tile by tile, each of one tile with all of the other at once. Rows of one group
// lie side by side, so that two tiles of one group, which a large group is made of, are passed over. Only pairs that
// join something are handed on: fewer than rows. Cost: a product for each pair of rows but those.
void NearRows::find_pairs(const std::vector<Entry>& entries, const Share& share, const RowSets<std::uint64_t>& sets,
                          Pairs& found, const std::stop_token& stop) const {
  std::vector<std::uint64_t> places;
  for (std::size_t at = share.begin; at < share.end; ++at) places.push_back(entries[at].place);
  std::ranges::sort(places, {}, [&](std::uint64_t place) { return std::pair(sets.root_of(rows_[place]), place); });
  const std::size_t size = places.size(), length = widener_.length();
  RowSets<std::size_t> members(size);
  for (std::size_t i = 1; i < size; ++i)
    if (sets.root_of(rows_[places[i]]) == sets.root_of(rows_[places[i - 1]])) members.join(i - 1, i);
  const std::size_t tiles = (size + kTileRows - 1) / kTileRows;
  std::vector<char> is_one_group(tiles);
  const auto count_of = [&](std::size_t tile) { return std::min(kTileRows, size - tile * kTileRows); };
  const auto look_whether_one = [&](std::size_t tile) {
    const std::size_t begin = tile * kTileRows, root = members.root(begin);
    for (std::size_t i = 1; i < count_of(tile); ++i)
      if (members.root(begin + i) != root) return;
    is_one_group[tile] = 1;
  };
  for (std::size_t tile = 0; tile < tiles; ++tile) look_whether_one(tile);
  Tile left, right;
  std::vector<double> cosines(kTileRows);
  for (std::size_t i = share.part; i < tiles; i += share.parts) {
    bool is_filled = false;
    for (std::size_t j = i; j < tiles; ++j) {
      if (stop.stop_requested()) return;
      if (is_one_group[i] != 0 && is_one_group[j] != 0 && members.root(i * kTileRows) == members.root(j * kTileRows))
        continue;
      if (!is_filled) fill(left, places, i * kTileRows, count_of(i));
      is_filled = true;
      if (j != i) fill(right, places, j * kTileRows, count_of(j));
      const Tile& other = j == i ? left : right;
      for (std::size_t a = 0; a < left.count; ++a) {
        const std::size_t first = j == i ? a + 1 : 0;
        if (first >= other.count) continue;
        similarity_kernels().products(&left.values[a * length], &other.values[first * length], other.count - first,
                                      length, cosines.data());
        for (std::size_t b = first; b < other.count; ++b) {
          if (cosines[b - first] + kRounding < threshold_) continue;
          if (members.join(left.begin + a, other.begin + b))
            found.emplace_back(rows_[places[left.begin + a]], rows_[places[other.begin + b]]);
        }
      }
      if (is_one_group[i] == 0) look_whether_one(i);
      if (is_one_group[j] == 0) look_whether_one(j);
    }
  }
}

Result<void> NearRows::join_table(int bits, Gaussian& random, RowSets<std::uint64_t>& sets,
                                  const std::stop_token& stop) {
  const auto entries = number_rows(bits, random, stop);
  if (!entries) return std::unexpected(entries.error());
  std::vector<Share> shared;
  for (std::size_t begin = 0; begin < entries->size();) {
    std::size_t end = begin + 1;
    while (end < entries->size() && (*entries)[end].number == (*entries)[begin].number) ++end;
    const std::size_t parts = end - begin > kRowsOfOneWorker ? workers_ : 1;
    for (std::size_t part = 0; part < parts && end - begin > 1; ++part) shared.push_back({begin, end, part, parts});
    begin = end;
  }
  std::vector<Pairs> found(workers_);
  auto searched = share_work(shared.size(), workers_, stop, [&](std::size_t worker, std::size_t i) {
    find_pairs(*entries, shared[i], sets, found[worker], stop);
  });
  if (!searched) return searched;
  for (const Pairs& pairs : found)
    for (const auto& [a, b] : pairs) sets.join(a, b);
  return {};
}

}  // namespace llama::internal
