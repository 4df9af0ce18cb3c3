#include "shared_models.h"

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

using Facts = std::vector<std::int64_t>;
using Key = std::pair<Facts, std::string>;

struct Place {
  std::timed_mutex loading;
  std::weak_ptr<const Model> model;  // guarded by loading
};

// Nothing where a file cannot be looked at: loading will say why.
Facts facts_of(std::span<const std::filesystem::path> files) {
  Facts key;
  for (const auto& file : files) {
    struct stat facts{};
    if (::stat(file.c_str(), &facts) != 0) return {};
    key.insert(key.end(), {static_cast<std::int64_t>(facts.st_dev), static_cast<std::int64_t>(facts.st_ino),
                           static_cast<std::int64_t>(facts.st_size), static_cast<std::int64_t>(facts.st_mtim.tv_sec),
                           static_cast<std::int64_t>(facts.st_mtim.tv_nsec)});
  }
  return key;
}

std::shared_ptr<Place> place_of(const Key& key) {
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<Place>> places;
  const std::scoped_lock lock(mutex);
  std::erase_if(places, [](const auto& entry) { return entry.second.expired(); });
  auto place = places[key].lock();
  if (!place) {
    place = std::make_shared<Place>();
    places[key] = place;
  }
  return place;
}

// Keeps the place known as long as the model lives.
struct Shared {
  std::shared_ptr<Place> place;
  std::shared_ptr<const Model> model;
};

}  // namespace

Result<std::shared_ptr<const Model>> share_model(std::span<const std::filesystem::path> files,
                                                 const DeviceChoice& device, const std::stop_token& stop,
                                                 const std::function<Result<std::shared_ptr<const Model>>()>& load) {
  Key key{facts_of(files), device.name};
  if (key.first.empty()) return load();
  key.first.push_back(device.gpu_layers.value_or(-1));
  const auto place = place_of(key);
  std::unique_lock lock(place->loading, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(50))) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "loading the model was stopped");
  }
  if (auto known = place->model.lock()) return known;
  auto loaded = load();
  if (!loaded) return loaded;
  const auto shared = std::make_shared<Shared>(place, std::move(*loaded));
  std::shared_ptr<const Model> model(shared, shared->model.get());
  place->model = model;
  return model;
}

}  // namespace llama::internal
