// Show what is in the model cache, for people and for programs.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "llama-loader/cache.h"

namespace llama {

// "org/model model.gguf", or the key of a model that was put in by hand.
[[nodiscard]] std::string cached_name(const CachedModel& model);

[[nodiscard]] bool is_dataset(const CachedModel& model);

// A key as JSON can have it: of one that older versions cut inside a character the half one is U+FFFD. Commands take
// it so, too.
[[nodiscard]] std::string shown_key(const std::string& key);

[[nodiscard]] nlohmann::json cached_as_json(const CachedModel& model);

// Seconds since 1970 as people read them.
[[nodiscard]] std::string time_text(std::int64_t seconds);

// A folder need not be UTF-8, and what is printed has to.
[[nodiscard]] std::string json_text(const nlohmann::json& json);

// What is wrong with the cache itself: a key that is no UTF-8, a manifest that cannot be read. One line each, with the
// way out.
void tell_of_odd_entries(const CacheManager& cache, const std::vector<CachedModel>& models);

}  // namespace llama
