#include "cached_models.h"

#include <chrono>
#include <cstddef>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "console.h"
#include "llama-base/utf8_stream.h"

namespace llama {

std::string cached_name(const CachedModel& model) {
  return model.repo.empty() ? shown_key(model.key) : std::format("{} {}", model.repo, model.files.front().path);
}

bool is_dataset(const CachedModel& model) { return model.repo.starts_with("datasets/"); }

std::string shown_key(const std::string& key) { return internal::whole_characters(key); }

std::string time_text(std::int64_t seconds) {
  return std::format("{:%FT%TZ}", std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

std::string json_text(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json cached_as_json(const CachedModel& model) {
  nlohmann::json files = nlohmann::json::array();
  const auto paths = model.paths();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const CachedFileFacts& file = model.files[i];
    files.push_back(
        {{"path", file.path}, {"size_bytes", file.size_bytes}, {"digest", file.sha256}, {"file", paths[i].string()}});
  }
  nlohmann::json json = {{"kind", is_dataset(model) ? "dataset" : "model"},
                         {"key", shown_key(model.key)},
                         {"repo", model.repo},
                         {"endpoint", model.endpoint},
                         {"commit", model.commit},
                         {"revisions", model.revisions},
                         {"size_bytes", model.size_bytes},
                         {"owned_bytes", model.owned_bytes},
                         {"last_used", time_text(model.last_used)},
                         {"in_use", model.in_use},
                         {"files", std::move(files)}};
  if (model.freed_bytes) json["freed_bytes"] = *model.freed_bytes;
  return json;
}

void tell_of_odd_entries(const CacheManager& cache, const std::vector<CachedModel>& models) {
  for (const auto& model : models) {
    const std::string key = shown_key(model.key);
    if (key != model.key)
      tell(
          "Warning: the key '{}' is cut inside a character, as older versions cut long ones; `models remove` takes it "
          "as it stands here",
          key);
  }
  const auto unreadable = cache.unreadable();
  if (!unreadable) return;
  for (const auto& fault : *unreadable)
    tell("Warning: '{}' is not listed: {}; `models remove` removes it", shown_key(fault.key), fault.what);
}

}  // namespace llama
