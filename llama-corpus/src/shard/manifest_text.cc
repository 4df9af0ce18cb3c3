#include "manifest_text.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kManifestVersion = 1;

constexpr std::pair<const char*, std::uint64_t ShardCounts::*> kCountNames[] = {
    {"rows_in", &ShardCounts::rows_in}, {"embedded", &ShardCounts::embedded}, {"null", &ShardCounts::null},
    {"skipped", &ShardCounts::skipped}, {"rows_out", &ShardCounts::rows_out},
};

// Reads one object's members; whatever is missing or of another type is remembered as wrong.
class Members {
 public:
  Members(const Json& object, bool& is_wrong) : object_(object), is_wrong_(is_wrong) {}

  [[nodiscard]] std::uint64_t number(const char* name) const {
    const Json* found = find(name);
    if (found != nullptr && found->is_number_unsigned()) return found->get<std::uint64_t>();
    is_wrong_ = true;
    return 0;
  }
  [[nodiscard]] std::string text(const char* name) const {
    const Json* found = find(name);
    if (found != nullptr && found->is_string()) return found->get<std::string>();
    is_wrong_ = true;
    return "";
  }
  // Of those that older versions did not write: "" where there is none.
  [[nodiscard]] std::string text_if_any(const char* name) const { return find(name) == nullptr ? "" : text(name); }
  // An empty one where it is none.
  [[nodiscard]] const Json& value(const char* name) const {
    static const Json kNone;
    const Json* found = find(name);
    return found != nullptr ? *found : kNone;
  }

 private:
  [[nodiscard]] const Json* find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  const Json& object_;
  bool& is_wrong_;
};

}  // namespace

std::optional<ShardManifest> parse_shard_manifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  bool is_wrong = false;
  const Members all(json, is_wrong);
  if (all.number("version") != kManifestVersion) return std::nullopt;
  ShardManifest made;
  const Members shard(all.value("shard"), is_wrong);
  const std::uint64_t index = shard.number("index"), count = shard.number("count");
  if (index >= count || count > UINT32_MAX) return std::nullopt;
  made.shard = {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(count)};
  const Json& settings = all.value("settings");
  for (auto member = settings.begin(); member != settings.end(); ++member) {
    if (!settings.is_object() || !member->is_string()) return std::nullopt;
    made.settings.emplace_back(member.key(), member->get<std::string>());
  }
  const Members input(all.value("input"), is_wrong);
  made.input = input.text("what");
  made.input_fingerprint = input.text("fingerprint");
  made.input_times = input.text_if_any("times");
  made.model = all.text("model");
  made.calibration = all.text_if_any("calibration");
  const Members counts(all.value("counts"), is_wrong);
  for (const auto& [name, member] : kCountNames) made.counts.*member = counts.number(name);
  if (!all.value("parts").is_array()) return std::nullopt;
  for (const Json& one : all.value("parts")) {
    const Members part(one, is_wrong);
    made.parts.push_back({part.text("file"), part.number("rows"), part.number("bytes")});
    if (!made.parts.back().file.starts_with(part_name(made.shard)) || made.parts.back().file.contains('/'))
      return std::nullopt;
  }
  return is_wrong ? std::nullopt : std::optional(std::move(made));
}

std::string shard_manifest_text(const ShardManifest& manifest) {
  Json json = {{"version", kManifestVersion},
               {"shard", {{"index", manifest.shard.index}, {"count", manifest.shard.count}}},
               {"model", manifest.model},
               {"input", {{"what", manifest.input}, {"fingerprint", manifest.input_fingerprint}}}};
  if (!manifest.input_times.empty()) json["input"]["times"] = manifest.input_times;
  if (!manifest.calibration.empty()) json["calibration"] = manifest.calibration;
  Json& settings = json["settings"] = Json::object();
  for (const auto& [name, value] : manifest.settings) settings[name] = value;
  for (const auto& [name, member] : kCountNames) json["counts"][name] = manifest.counts.*member;
  Json& parts = json["parts"] = Json::array();
  for (const auto& part : manifest.parts)
    parts.push_back({{"file", part.file}, {"rows", part.rows}, {"bytes", part.size_bytes}});
  // A path need not be UTF-8, what is written has to.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ShardManifest as_read_back(const ShardManifest& manifest) {
  return parse_shard_manifest(shard_manifest_text(manifest)).value_or(manifest);
}

}  // namespace llama::internal
