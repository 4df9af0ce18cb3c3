#include "llama-loader/measurement_memory.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "cache/cache_folder.h"
#include "llama-base/disk.h"

namespace llama {
namespace {

using Json = nlohmann::json;

constexpr int kMemoryVersion = 1;
constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxEntries = 200;

// {"KEY": {"value": 512, "measured": 1795564800}, …}; {} where the file is none of ours.
Json entries_of(const std::filesystem::path& file) {
  const Json whole = Json::parse(internal::read_small_file(file, kMaxBytes), nullptr, false);
  if (!whole.is_object() || !whole.contains("version") || whole["version"] != kMemoryVersion) return Json::object();
  const auto found = whole.find("measured");
  return found != whole.end() && found->is_object() ? *found : Json::object();
}

std::int64_t measured_at(const Json& entry) {
  const auto time = entry.is_object() ? entry.find("measured") : entry.end();
  return time != entry.end() && time->is_number_integer() ? time->get<std::int64_t>() : 0;
}

void drop_oldest(Json& entries) {
  while (entries.size() > kMaxEntries) {
    auto oldest = entries.begin();
    for (auto it = entries.begin(); it != entries.end(); ++it) {
      if (measured_at(it.value()) < measured_at(oldest.value())) oldest = it;
    }
    entries.erase(oldest);
  }
}

}  // namespace

std::optional<std::int64_t> MeasurementMemory::recall(const std::string& key) const {
  const Json entries = entries_of(file());
  const auto found = entries.find(key);
  if (found == entries.end() || !found->is_object()) return std::nullopt;
  const auto value = found->find("value");
  if (value == found->end() || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

void MeasurementMemory::remember(const std::string& key, std::int64_t value) const {
  if (!internal::CacheFolder::open(folder_)) return;  // read-only, or a newer version's
  Json entries = entries_of(file());
  const auto now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()).time_since_epoch().count();
  entries[key] = {{"value", value}, {"measured", now}};
  drop_oldest(entries);
  const Json whole = {{"version", kMemoryVersion}, {"measured", std::move(entries)}};
  // A key may hold a path that is not UTF-8.
  const std::string text = whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (const auto written = internal::replace_file(file(), text, {.is_durable = false}); !written)
    return;  // measured again next time
}

}  // namespace llama
