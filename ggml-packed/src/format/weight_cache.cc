#include "format/weight_cache.h"

#include <ggml.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "format/available_memory.h"
#include "format/file_pages.h"
#include "format/weight_format.h"

namespace ggml_packed {
namespace {

struct Identity {
  std::string name;
  std::array<std::int64_t, 4> shape{};
  int type = 0;
  std::uint64_t samples = 0;
  bool operator==(const Identity&) const = default;
};

// 16 places of 8 bytes, spread evenly. Each may be a page that comes from the file.
std::uint64_t sample(const ggml_tensor& weights) {
  constexpr std::size_t kPlaces = 16;
  const std::size_t size = ggml_nbytes(&weights);
  std::uint64_t hash = size;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const std::size_t at = size <= 8 ? 0 : (size - 8) / (kPlaces - 1) * i;
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, static_cast<const std::byte*>(weights.data) + at, std::min<std::size_t>(size, 8));
    hash = (hash ^ bytes) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29U;
  }
  return hash;
}

template <class Packed>
struct Shared {
  Identity identity;
  std::weak_ptr<Packed> packed;
};

// How often a weight is packed panel by panel before it is packed to stay. To move bytes costs some hundredths of the
// product with a few hundred rows, and memory that nobody has written yet is dear: 2 microseconds a page and more where
// a virtual machine's host has to find it. Other formats are computed.
int most_passes(const ggml_tensor& weights, const Layout& layout) {
  constexpr int kMoved = 16;
  return weights.type == GGML_TYPE_Q8_0 && layout.format == Format::Int8 ? kMoved : 1;
}

std::mutex mutex;  // two contexts that start at once pack only once

// By the address of the bytes and the layout: kernels of two levels read the same weight from different bytes.
template <class Packed>
std::map<std::pair<const void*, Layout>, Shared<Packed>>& all() {
  static std::map<std::pair<const void*, Layout>, Shared<Packed>> shared;
  return shared;
}

// The weight as another context has packed it, or as make() does: nullptr, where that cannot.
template <class Packed, class Make>
std::shared_ptr<Packed> share(const ggml_tensor& weights, const Layout& layout, const Make& make) {
  Identity identity{.name = weights.name, .type = weights.type, .samples = sample(weights)};
  std::copy_n(weights.ne, 4, identity.shape.begin());

  const std::scoped_lock lock(mutex);
  Shared<Packed>& shared = all<Packed>()[{weights.data, layout}];
  auto packed = shared.identity == identity ? shared.packed.lock() : nullptr;
  if (packed) {
    release_file_pages(weights.data, ggml_nbytes(&weights));  // the system brings some in around each that is read
    return packed;
  }
  try {
    packed = make();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  if (packed) {
    shared = {.identity = std::move(identity), .packed = packed};
    std::erase_if(all<Packed>(), [](const auto& entry) { return entry.second.packed.expired(); });
  }
  return packed;
}

}  // namespace

// What is packed is no file's any more, whose pages the system could give up: a model that is larger than memory would
// end the process, where ggml reads it from the disk again and again.
bool WeightCache::take(std::uint64_t bytes, bool grows) {
  if (!room_ || !spare_) {
    const std::uint64_t available = available_memory();
    room_ = room_.value_or(available / 10 * 9);
    spare_ = spare_.value_or(available / 2);
  }
  if (bytes > *room_ || (grows && bytes > *spare_)) return false;
  *room_ -= bytes;
  if (grows) *spare_ -= bytes;
  return true;
}

bool WeightCache::take(const ggml_tensor& weights, const Layout& layout) {
  const auto passed = passed_.find(weights.data);
  if (passed != passed_.end() && passed->second.layout == layout) return true;
  const auto rows = static_cast<std::size_t>(weights.ne[1]), columns = static_cast<std::size_t>(weights.ne[0]);
  const bool grows =
      !is_packed_without_growing(weights.type) || (layout.format == Format::Bf16 && ggml_is_quantized(weights.type));
  return take(PackedMatrix::size_of(layout, rows, columns), grows);
}

const PackedMatrix* WeightCache::find_or_pack(const ggml_tensor& weights, const Layout& layout, ThreadTeam& team) {
  if (const auto found = matrices_.find(weights.data); found != matrices_.end()) return found->second.get();
  auto matrix = share<const PackedMatrix>(weights, layout, [&]() -> std::shared_ptr<const PackedMatrix> {
    if (!take(weights, layout)) return nullptr;
    auto made = std::make_shared<const PackedMatrix>(weights, layout, team);
    release_file_pages(weights.data, ggml_nbytes(&weights));
    return made;
  });
  return matrix ? matrices_.emplace(weights.data, std::move(matrix)).first->second.get() : nullptr;
}

bool WeightCache::passes(const ggml_tensor& weights, const Layout& layout) {
  if (keeps_at_once_ || matrices_.contains(weights.data)) return false;
  const auto found = passed_.find(weights.data);
  if (found != passed_.end() &&
      (found->second.layout != layout || found->second.uses >= most_passes(weights, layout))) {
    return false;
  }
  {
    const std::scoped_lock lock(mutex);
    const auto& shared = all<const PackedMatrix>();
    const auto kept = shared.find({weights.data, layout});
    if (kept != shared.end() && !kept->second.packed.expired()) return false;
  }
  if (found == passed_.end() && !take(weights, layout)) return false;
  Passed& passed = found != passed_.end() ? found->second : passed_[weights.data];
  passed.layout = layout;
  ++passed.uses;
  return true;
}

void WeightCache::read_in_place(const ggml_tensor& weights) {
  if (in_place_.insert(weights.data).second) release_file_pages(weights.data, ggml_nbytes(&weights));
}

bool WeightCache::has_refused(const ggml_tensor& experts) const {
  const auto found = experts_.find(experts.data);
  return found != experts_.end() && found->second == nullptr;
}

PackedExperts* WeightCache::find_experts(const ggml_tensor& weights, const Layout& layout) {
  if (const auto found = experts_.find(weights.data); found != experts_.end()) return found->second.get();
  auto experts = share<PackedExperts>(weights, layout, [&]() -> std::shared_ptr<PackedExperts> {
    const auto count = static_cast<std::size_t>(weights.ne[2]);
    const auto rows = static_cast<std::size_t>(weights.ne[1]), columns = static_cast<std::size_t>(weights.ne[0]);
    if (!take(count * PackedMatrix::size_of(layout, rows, columns), true)) return nullptr;
    return std::make_shared<PackedExperts>(count, layout);
  });
  return experts_.emplace(weights.data, std::move(experts)).first->second.get();
}

}  // namespace ggml_packed
