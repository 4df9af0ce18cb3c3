#include "cache/manifest.h"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/repo_path.h"
#include "llama-loader/detection.h"
#include "llama-loader/multipart.h"

namespace llama::internal {
namespace {

using Json = nlohmann::json;

constexpr int kManifestVersion = 1;

Json to_json(const ManifestFile& file) {
  return {{"path", file.path},
          {"size", file.size_bytes},
          {file.digest.kind == DigestKind::Sha256 ? "sha256" : "git_sha1", file.digest.hex},
          {"linked", file.linked},
          {"fingerprint", {file.fingerprint.size_bytes, file.fingerprint.modified_ns, file.fingerprint.inode}}};
}

// nlohmann-json would turn -1 into a large number.
std::uint64_t unsigned_number(const Json& json) {
  if (!json.is_number_unsigned()) return json.at("a number without a sign").get<std::uint64_t>();  // its exception
  return json.get<std::uint64_t>();
}

// Throws (nlohmann's exceptions, caught below) where something is missing or of another type.
ManifestFile file_from(const Json& json) {
  const bool sha256 = json.contains("sha256");
  const Json& look = json.at("fingerprint");
  return {.path = json.at("path").get<std::string>(),
          .size_bytes = unsigned_number(json.at("size")),
          .digest = {.kind = sha256 ? DigestKind::Sha256 : DigestKind::GitBlob,
                     .hex = json.at(sha256 ? "sha256" : "git_sha1").get<std::string>()},
          .linked = json.at("linked").get<bool>(),
          .fingerprint = {unsigned_number(look.at(0)), look.at(1).get<std::int64_t>(), unsigned_number(look.at(2))}};
}

bool is_sound(const ManifestFile& file) {
  return is_safe_path(file.path) && is_hex(file.digest.hex, file.digest.kind == DigestKind::Sha256 ? 64 : 40);
}

}  // namespace

std::optional<Fingerprint> fingerprint_of(const std::filesystem::path& file) {
  struct stat facts{};
  if (::stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
#ifdef __APPLE__
  const timespec& modified = facts.st_mtimespec;
#else
  const timespec& modified = facts.st_mtim;
#endif
  return Fingerprint{.size_bytes = static_cast<std::uint64_t>(facts.st_size),
                     .modified_ns = static_cast<std::int64_t>(modified.tv_sec) * 1'000'000'000 + modified.tv_nsec,
                     .inode = static_cast<std::uint64_t>(facts.st_ino)};
}

// A name of ours gets a '%' in front, and so does one that would then be the same.
std::filesystem::path file_place(const std::filesystem::path& folder, const std::string& path) {
  const std::string_view first = std::string_view(path).substr(0, path.find('/'));
  const std::string_view bare = first.substr(std::min(first.find_first_not_of('%'), first.size()));
  return folder / (bare == "manifest.json" || bare == ".last_used" ? "%" + path : path);
}

std::uint64_t Manifest::size_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.size_bytes;
  return sum;
}

std::uint64_t Manifest::owned_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.linked ? 0 : file.size_bytes;
  return sum;
}

std::string content_of(const Manifest& manifest) {
  if (manifest.files.size() == 1) {
    const Digest& digest = manifest.files[0].digest;
    return digest.kind == DigestKind::Sha256 ? "sha256 " + digest.hex : "";
  }
  std::vector<std::string> digests;
  for (const ManifestFile& file : manifest.files) digests.push_back(file.digest.hex);
  return "sha256 of parts " + sha256_of_parts(digests);
}

std::string sha256_of(const Manifest& manifest) {
  std::vector<std::string> digests;
  for (const ManifestFile& file : manifest.files) {
    if (file.digest.kind != DigestKind::Sha256) return "";
    digests.push_back(file.digest.hex);
  }
  return digests.empty() ? "" : sha256_of_parts(digests);
}

std::string to_json(const Manifest& manifest) {
  Json files = Json::array();
  for (const auto& file : manifest.files) files.push_back(to_json(file));
  return Json{{"version", kManifestVersion},     {"repo", manifest.repo},
              {"endpoint", manifest.endpoint},   {"commit", manifest.commit},
              {"revisions", manifest.revisions}, {"automatic", manifest.automatic},
              {"created", manifest.created},     {"files", files}}
      .dump();
}

std::optional<Manifest> parse_manifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  try {
    if (!json.is_object() || json.at("version") != kManifestVersion) return std::nullopt;
    Manifest manifest{.repo = json.at("repo").get<std::string>(),
                      .endpoint = json.at("endpoint").get<std::string>(),
                      .commit = json.at("commit").get<std::string>(),
                      .revisions = json.at("revisions").get<std::map<std::string, std::int64_t>>(),
                      .automatic = json.at("automatic").get<bool>(),
                      .created = json.at("created").get<std::int64_t>(),
                      .files = {}};
    for (const Json& file : json.at("files")) manifest.files.push_back(file_from(file));
    const bool sound = !manifest.files.empty() && std::ranges::all_of(manifest.files, is_sound);
    return sound ? std::optional(std::move(manifest)) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string asked_as(const ModelRequest& request) {
  return request.pattern ? request.revision + " " + *request.pattern : request.revision;
}

namespace {

std::optional<std::int64_t> dataset_since(const Manifest& manifest, const ModelRequest& request) {
  if (const auto found = manifest.revisions.find(asked_as(request)); found != manifest.revisions.end())
    return found->second;
  const auto is_it = [&](const ManifestFile& file) { return file.path == *request.pattern; };
  if (std::ranges::none_of(manifest.files, is_it)) return std::nullopt;
  std::optional<std::int64_t> latest;
  for (const auto& [asked, when] : manifest.revisions)
    if (asked.starts_with(request.revision + " ")) latest = std::max(latest.value_or(0), when);
  return latest;
}

}  // namespace

std::optional<std::int64_t> answers_since(const Manifest& manifest, const ModelRequest& request) {
  if (manifest.repo != request.repo || manifest.endpoint != request.endpoint) return std::nullopt;
  if (request.pattern) return dataset_since(manifest, request);
  const auto asked = manifest.revisions.find(request.revision);
  if (asked == manifest.revisions.end() && manifest.commit != request.revision) return std::nullopt;
  const std::int64_t since = asked == manifest.revisions.end() ? 0 : asked->second;
  const auto names_it = [&](const ManifestFile& file) { return file.path == *request.filename; };
  const bool is_it = request.filename ? std::ranges::any_of(manifest.files, names_it)
                     : request.quant  ? has_name_token(manifest.files[0].path, *request.quant)
                                      : manifest.automatic;
  return is_it ? std::optional(since) : std::nullopt;
}

bool serves(const Manifest& manifest, const ModelRequest& request) {
  return answers_since(manifest, request).has_value();
}

}  // namespace llama::internal
