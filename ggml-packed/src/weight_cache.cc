#include "weight_cache.h"

#include <ggml.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <string_view>

#include "weight_format.h"

namespace ggml_packed {
namespace {

struct Identity {
  std::string name;
  std::array<std::int64_t, 4> shape{};
  int type = 0;
  Format format = Format::F32;
  std::uint64_t samples = 0;
  bool operator==(const Identity&) const = default;
};

// 64 places of 8 bytes, spread evenly.
std::uint64_t sample(const ggml_tensor& weights) {
  const std::size_t size = ggml_nbytes(&weights);
  std::uint64_t hash = size;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t at = size <= 8 ? 0 : (size - 8) / 63 * i;
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, static_cast<const std::byte*>(weights.data) + at, std::min<std::size_t>(size, 8));
    hash = (hash ^ bytes) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29U;
  }
  return hash;
}

// What the machine can give without taking it from others; much where it does not say.
std::uint64_t available_memory() {
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kName = "MemAvailable:";
    std::uint64_t kilobytes = 0;
    if (line.starts_with(kName) && std::istringstream(line.substr(kName.size())) >> kilobytes) return kilobytes * 1024;
  }
  return std::uint64_t{1} << 60U;
}

struct Shared {
  Identity identity;
  std::weak_ptr<const PackedMatrix> matrix;
};

std::mutex mutex;
std::unordered_map<const void*, Shared>& all() {
  static std::unordered_map<const void*, Shared> shared;
  return shared;
}

}  // namespace

const PackedMatrix* WeightCache::find_or_pack(const ggml_tensor& weights, Format format, std::size_t panel_rows,
                                              Int8Sign sign, ThreadTeam& team) {
  if (const auto found = mine_.find(weights.data); found != mine_.end()) return found->second.get();
  Identity identity{.name = weights.name, .type = weights.type, .format = format, .samples = sample(weights)};
  std::copy_n(weights.ne, 4, identity.shape.begin());

  const std::scoped_lock lock(mutex);  // two contexts that start at once pack only once
  Shared& shared = all()[weights.data];
  auto matrix = shared.identity == identity ? shared.matrix.lock() : nullptr;
  if (!matrix) {
    if (!is_packed_without_growing(weights.type)) {
      if (!spare_) spare_ = available_memory() / 2;
      const auto elements = static_cast<std::uint64_t>(ggml_nelements(&weights));
      const std::uint64_t size = elements + elements / 16;
      if (size > *spare_) return nullptr;
      *spare_ -= size;
    }
    try {
      matrix = std::make_shared<const PackedMatrix>(weights, format, panel_rows, sign, team);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    shared = {.identity = std::move(identity), .matrix = matrix};
    std::erase_if(all(), [](const auto& entry) { return entry.second.matrix.expired(); });
  }
  return mine_.emplace(weights.data, std::move(matrix)).first->second.get();
}

}  // namespace ggml_packed
