#include "download/fetch.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <optional>

#include "cache/cache_room.h"
#include "download/download.h"
#include "download/speed.h"
#include "gguf/model_check.h"
#include "hub/hub_failure.h"
#include "hub/url.h"
#include "llama-base/disk.h"
#include "llama-base/file_digest.h"
#include "llama-loader/detection.h"
#include "llama-loader/gguf_header.h"
#include "llama-loader/huggingface.h"
#include "unix_time.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

Digest digest_of(const HubFile& file) {
  if (!file.sha256.empty()) return {.kind = DigestKind::Sha256, .hex = file.sha256};
  return {.kind = DigestKind::GitBlob, .hex = file.git_sha1};
}

std::string gigabytes(std::uint64_t bytes) {
  return bytes < 1'000'000'000 ? std::format("{:.1f} MB", static_cast<double>(bytes) / 1e6)
                               : std::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

class Fetch {
 public:
  Fetch(const ModelRequest& request, const FetchEnvironment& environment, const CacheFolder& folder)
      : request_(request), environment_(environment), folder_(folder) {}

  Result<FetchedModel> run() {
    if (!environment_.ask_hub || environment_.settings.offline) {
      auto found = from_cache();
      if (!found) return std::unexpected(found.error());
      if (*found) return std::move(**found);
    }
    if (environment_.settings.offline) {
      return fail(ErrorCode::Offline,
                  std::format("the model '{}' is not in the cache '{}', and the network is switched off "
                              "(offline, or HF_HUB_OFFLINE)",
                              request_.repo, folder_.path().string()));
    }
    if (auto chosen = choose(); !chosen) {
      const bool later = chosen.error().code == ErrorCode::Network || chosen.error().code == ErrorCode::RateLimited;
      auto found = later ? from_cache() : Result<std::optional<FetchedModel>>(std::nullopt);
      if (!found || !*found) return std::unexpected(chosen.error());
      say(std::format("the model from the cache is used: {}", chosen.error().message));
      return std::move(**found);
    }
    auto lock = folder_.lock(key_, FileLock::Kind::Exclusive, waiting(), environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    // Whoever held the lock may have brought it.
    if (auto entry = folder_.entry(key_); entry && is_chosen(*entry) && entry->looks_unchanged()) {
      return use(std::move(*entry), std::move(*lock), true);
    }
    return download_all(std::move(*lock));
  }

 private:
  void say(std::string_view line) const {
    if (environment_.on_message) environment_.on_message(line);
  }
  CacheFolder::OnWait waiting() const {
    return [this](long process) {
      say(process > 0 ? std::format("waiting for process {}, which is fetching '{}'", process, request_.repo)
                      : std::format("waiting for another process that is fetching '{}'", request_.repo));
    };
  }

  // What the cache has for this request; of several the one that its revision was last known to be.
  Result<std::optional<FetchedModel>> from_cache() {
    std::optional<CacheEntry> best;
    for (auto& entry : folder_.entries()) {
      if (!serves(entry.manifest, request_)) continue;
      const auto since = [&](const CacheEntry& e) {
        const auto found = e.manifest.revisions.find(request_.revision);
        return found == e.manifest.revisions.end() ? 0 : found->second;
      };
      // Two models with the same tag: only the hub's list can say that it is ambiguous.
      if (best && request_.quant && best->manifest.files[0].path != entry.manifest.files[0].path) return std::nullopt;
      if (!best || since(entry) > since(*best)) best = std::move(entry);
    }
    if (!best) return std::nullopt;
    auto lock = folder_.lock(best->key, FileLock::Kind::Shared, waiting(), environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    best = folder_.entry(best->key);  // it may have gone meanwhile
    if (!best) return std::nullopt;
    if (!best->looks_unchanged() && !hash_again(*best)) return std::nullopt;
    folder_.touch(*best);
    return FetchedModel{.entry = std::move(*best), .cache_hit = true, .use = std::move(*lock)};
  }

  // Files that look different may have been copied or restored: their digests decide.
  bool hash_again(CacheEntry& entry) {
    say(std::format("the files of '{}' look changed; checking them", entry.manifest.repo));
    for (auto& file : entry.manifest.files) {
      const auto digest = digest_of_file(entry.folder / file.path, file.digest.kind, {}, environment_.stop);
      const auto look = fingerprint_of(entry.folder / file.path);
      if (!digest || digest->hex != file.digest.hex || !look) {
        say(std::format("the cached file '{}' is damaged", (entry.folder / file.path).string()));
        return false;
      }
      file.fingerprint = *look;
    }
    if (auto written = folder_.write_manifest(entry); !written) say(written.error().message);
    return true;
  }

  Result<void> choose() {
    const HubClient hub(environment_.settings, environment_.retry, environment_.on_message);
    auto listed = hub.list(request_.repo, request_.revision, environment_.stop);
    if (!listed) return std::unexpected(listed.error());
    repository_ = std::move(*listed);
    std::vector<std::string> names;
    for (const auto& file : repository_.files) names.push_back(file.path);
    const auto chosen = choose_model_files(names, request_.filename, request_.quant);
    if (!chosen)
      return fail(chosen.error().code, std::format("repository '{}': {}", request_.repo, chosen.error().message));
    const auto automatic = choose_model_files(names, std::nullopt, std::nullopt);
    automatic_ = automatic && *automatic == *chosen;
    std::uint64_t size = 0;
    std::int64_t modified = 0;
    for (const auto& name : *chosen) {
      const auto file = std::ranges::find(repository_.files, name, &HubFile::path);
      constexpr std::uint64_t kSmallestModel = 24;
      if (file->size_bytes < kSmallestModel) {
        return fail(ErrorCode::InvalidModel,
                    std::format("repository '{}': '{}' has {} bytes, no model", request_.repo, name, file->size_bytes));
      }
      if (__builtin_add_overflow(size, file->size_bytes, &size) || size > INT64_MAX) {
        return fail(ErrorCode::Network,
                    std::format("repository '{}': the sizes of its files cannot be", request_.repo));
      }
      modified = std::max(modified, file->modified);
      files_.push_back(*file);
    }
    size_ = size;
    key_ = CacheManager::generate_cache_key(request_.repo, files_[0].path, size, modified);
    if (const auto there = folder_.entry(key_); there && !is_chosen(*there)) {
      // Another content under the same label: another endpoint's, or a date that did not change.
      key_ = CacheManager::generate_cache_key(
          request_.repo, files_[0].path + "@" + digest_of(files_[0]).hex.substr(0, 12), size, modified);
    }
    return {};
  }

  bool is_chosen(const CacheEntry& entry) const {
    return std::ranges::equal(entry.manifest.files, files_, [](const ManifestFile& have, const HubFile& want) {
      return have.path == want.path && have.size_bytes == want.size_bytes && have.digest == digest_of(want);
    });
  }

  Result<FetchedModel> use(CacheEntry entry, FileLock lock, bool hit) {
    Manifest& manifest = entry.manifest;
    manifest.repo = request_.repo;
    manifest.endpoint = request_.endpoint;
    manifest.commit = repository_.commit;
    manifest.revisions[request_.revision] = unix_time();
    manifest.automatic = automatic_;
    if (auto written = folder_.write_manifest(entry); !written) return std::unexpected(written.error());
    folder_.touch(entry);
    lock.share();
    return FetchedModel{.entry = std::move(entry), .cache_hit = hit, .use = std::move(lock)};
  }

  // A file with the right content that lies on this machine already; its digest is computed, whatever its name says.
  std::optional<StagedFile> find_here(const HubFile& file) {
    const Digest wanted = digest_of(file);
    const auto is_it = [&](const fs::path& path) {
      std::error_code error;
      if (fs::file_size(path, error) != file.size_bytes || error) return false;
      const auto digest = digest_of_file(path, wanted.kind, {}, environment_.stop);
      return digest && digest->hex == wanted.hex;
    };
    // In the place itself, left by a damaged manifest.
    if (const fs::path here = folder_.path() / key_ / file.path; is_it(here))
      return StagedFile{.source = here, .how = StagedFile::How::Copy};
    for (const auto& entry : folder_.entries()) {
      for (const auto& have : entry.manifest.files) {
        if (have.digest == wanted && !have.linked && is_it(entry.folder / have.path)) {
          return StagedFile{.source = entry.folder / have.path, .how = StagedFile::How::Copy};
        }
      }
    }
    if (environment_.settings.hugging_face_cache.empty()) return std::nullopt;
    std::string name = "models--" + request_.repo;
    name.replace(name.find('/'), 1, "--");
    const fs::path blob = environment_.settings.hugging_face_cache / name / "blobs" / wanted.hex;
    if (!is_it(blob)) return std::nullopt;
    say(std::format("'{}' is in Hugging Face's cache already and is used from there", file.path));
    std::error_code error;
    return StagedFile{.source = fs::absolute(blob, error), .how = StagedFile::How::Link};
  }

  Result<FetchedModel> download_all(FileLock lock) {
    std::vector<std::optional<StagedFile>> staged;
    std::uint64_t missing = 0, done = 0;
    for (const auto& file : files_) {
      staged.push_back(find_here(file));
      if (environment_.stop.stop_requested()) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
      (staged.back() ? done : missing) += file.size_bytes;
    }
    const auto room =
        make_room(folder_, {.limit = environment_.cache.max_size_bytes(), .needed = missing, .kept = key_});
    if (!room)
      return fail(room.error().code, std::format("'{}': {}{}", request_.repo, room.error().message, smaller_choices()));
    for (const auto& gone : room->removed)
      say(std::format("removed '{}' ({}) from the cache to make room", gone.key, gigabytes(gone.owned_bytes)));
    if (missing > 0) {
      say(std::format("downloading {}{} ({}) from {} at commit {}", files_[0].path,
                      files_.size() > 1 ? std::format(" and {} more parts", files_.size() - 1) : "", gigabytes(missing),
                      request_.repo, repository_.commit.substr(0, 12)));
    }
    // Locks of the files on their way: the same content may be part of another model that is being fetched.
    std::vector<FileLock> locks;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (staged[i]) continue;
      const Digest digest = digest_of(files_[i]);
      auto file_lock = folder_.lock(digest.hex, FileLock::Kind::Exclusive, waiting(), environment_.stop);
      if (!file_lock) return std::unexpected(file_lock.error());
      locks.push_back(std::move(*file_lock));
      auto data = download_one(i, done);
      if (!data) return std::unexpected(data.error());
      staged[i] = StagedFile{.source = std::move(*data)};
      done += files_[i].size_bytes;
    }
    if (auto sound = check_headers(staged); !sound) {
      for (const auto& file : files_) folder_.discard_incoming(digest_of(file));
      return std::unexpected(sound.error());
    }
    return publish(staged, std::move(lock), missing == 0);
  }

  Result<fs::path> download_one(std::size_t number, std::uint64_t done_before) {
    const HubFile& file = files_[number];
    Speed speed;
    DownloadProgress progress{.file = file.path,
                              .file_number = number + 1,
                              .file_count = files_.size(),
                              .file_done = 0,
                              .file_size = file.size_bytes,
                              .all_done = 0,
                              .all_size = size_,
                              .bytes_per_second = 0};
    const auto on_progress = [&](std::uint64_t bytes) {
      progress.file_done = bytes;
      progress.all_done = done_before + bytes;
      progress.bytes_per_second = speed.update(bytes);
      if (environment_.on_download) environment_.on_download(progress);
    };
    const std::string url =
        std::format("{}/{}/resolve/{}/{}", environment_.settings.endpoint, percent_encoded(request_.repo, "/"),
                    repository_.commit, percent_encoded(file.path, "/"));
    return download({.repo = request_.repo,
                     .revision = request_.revision,
                     .path = file.path,
                     .url = url,
                     .size_bytes = file.size_bytes,
                     .digest = digest_of(file)},
                    folder_.incoming(digest_of(file)),
                    {.settings = environment_.settings,
                     .retry = environment_.retry,
                     .transport = curl_transport({.connect_timeout = environment_.settings.connect_timeout,
                                                  .stall_timeout = environment_.settings.stall_timeout}),
                     .on_progress = on_progress,
                     .on_message = environment_.on_message,
                     .stop = environment_.stop});
  }

  // A right digest says that it is what was published, and nothing about whether that is sound.
  Result<void> check_headers(const std::vector<std::optional<StagedFile>>& staged) const {
    const auto about = [&](const HubFile& file, const Error& error) {
      return fail(error.code,
                  std::format("'{}' of '{}' is as published, but {}", file.path, request_.repo, error.message));
    };
    std::vector<GgufHeader> headers;
    std::vector<fs::path> names;
    for (std::size_t i = 0; i < staged.size(); ++i) {
      auto header = llama::read_gguf_header(staged[i]->source);
      if (!header) return about(files_[i], header.error());
      headers.push_back(std::move(*header));
      names.emplace_back(files_[i].path);
    }
    if (auto model = check_model(headers, names); !model) return about(files_[0], model.error());
    return {};
  }

  Result<FetchedModel> publish(const std::vector<std::optional<StagedFile>>& staged, FileLock lock, bool hit) {
    Manifest manifest;
    std::vector<StagedFile> sources;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      manifest.files.push_back({.path = files_[i].path,
                                .size_bytes = files_[i].size_bytes,
                                .digest = digest_of(files_[i]),
                                .fingerprint = {}});
      sources.push_back(*staged[i]);
    }
    auto entry = folder_.publish(key_, std::move(manifest), sources);
    if (!entry) return std::unexpected(entry.error());
    for (const auto& file : files_) folder_.discard_incoming(digest_of(file));
    return use(std::move(*entry), std::move(lock), hit);
  }

  std::string smaller_choices() const {
    std::string text;
    for (const auto& file : repository_.files) {
      if (file.path.ends_with(".gguf") && file.size_bytes < files_[0].size_bytes && text.size() < 400) {
        text += std::format("{}{} ({})", text.empty() ? "; smaller: " : ", ", file.path, gigabytes(file.size_bytes));
      }
    }
    return text;
  }

  const ModelRequest& request_;
  const FetchEnvironment& environment_;
  const CacheFolder& folder_;
  HubRepository repository_;
  std::vector<HubFile> files_;  // the chosen ones, in the model's order
  std::uint64_t size_ = 0;
  bool automatic_ = false;
  std::string key_;
};

}  // namespace

Result<FetchedModel> fetch_model(const ModelRequest& request, const FetchEnvironment& environment) {
  const auto folder = CacheFolder::open(environment.cache.folder());
  if (!folder) return std::unexpected(folder.error());
  return Fetch(request, environment, *folder).run();
}

}  // namespace llama::internal
