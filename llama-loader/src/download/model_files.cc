#include "download/model_files.h"

#include <algorithm>
#include <format>
#include <ranges>

#include "download/download.h"
#include "download/speed.h"
#include "gguf/model_check.h"
#include "hub/hub_failure.h"
#include "hub/hub_repository.h"
#include "hub/model_choice.h"
#include "hub/repo_kind.h"
#include "llama-base/file_digest.h"
#include "llama-loader/gguf_header.h"

namespace llama::internal {

namespace fs = std::filesystem;

ModelFiles::ModelFiles(const FetchEnvironment& environment, const CacheFolder& folder, const HubRepository& repository,
                       const std::vector<HubFile>& files, std::string key)
    : environment_(environment),
      folder_(folder),
      repository_(repository),
      files_(files),
      key_(std::move(key)),
      group_(kind_of(repository.repo) == RepoKind::Dataset ? client_cache_name(repository.repo) : ""),
      found_(files.size()) {
  for (const HubFile& file : files) size_bytes_ += file.size_bytes;
}

std::size_t ModelFiles::first_with_content_of(std::size_t number) const {
  const Digest wanted = digest_of(files_[number]);
  const auto first = std::ranges::find_if(files_, [&](const HubFile& file) { return digest_of(file) == wanted; });
  return static_cast<std::size_t>(first - files_.begin());
}

Result<void> ModelFiles::lock_group(const CacheFolder::OnWait& on_wait) {
  if (group_.empty()) return {};
  auto lock = folder_.lock(group_, FileLock::Kind::Exclusive, on_wait, environment_.stop);
  if (!lock) return std::unexpected(lock.error());
  locks_.push_back(std::move(*lock));
  return {};
}

Result<void> ModelFiles::find_here() {
  const Here cached = cached_files();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (first_with_content_of(i) != i) continue;
    found_[i] = look_for(files_[i], cached);
    if (environment_.stop.stop_requested()) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
  }
  return {};
}

std::uint64_t ModelFiles::missing_bytes() const {
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (first_with_content_of(i) == i && !found_[i]) missing += files_[i].size_bytes;
  }
  return missing;
}

// Files of the cache's entries that look as they did when their digests were computed.
ModelFiles::Here ModelFiles::cached_files() const {
  Here cached;
  for (const auto& entry : folder_.entries()) {
    for (const auto& have : entry.manifest.files) {
      const fs::path place = file_place(entry.folder, have.path);
      if (!have.linked && fingerprint_of(place) == have.fingerprint) cached.emplace(have.digest.hex, place);
    }
  }
  return cached;
}

// What no manifest vouches for is read, whatever its name says.
std::optional<StagedFile> ModelFiles::look_for(const HubFile& file, const Here& cached) const {
  const Digest wanted = digest_of(file);
  const auto is_it = [&](const fs::path& path) {
    std::error_code error;
    if (fs::file_size(path, error) != file.size_bytes || error) return false;
    const auto digest = digest_of_file(path, wanted.kind, {}, environment_.stop);
    return digest && digest->hex == wanted.hex;
  };
  if (const auto found = cached.find(wanted.hex); found != cached.end())
    return StagedFile{.source = found->second, .how = StagedFile::How::Copy};
  // In the place itself, left by a damaged manifest.
  if (const fs::path here = file_place(folder_.path() / key_, file.path); is_it(here))
    return StagedFile{.source = here, .how = StagedFile::How::Copy};
  if (environment_.settings.hugging_face_cache.empty()) return std::nullopt;
  const fs::path blob =
      environment_.settings.hugging_face_cache / client_cache_name(repository_.repo) / "blobs" / wanted.hex;
  if (!is_it(blob)) return std::nullopt;
  if (environment_.on_message)
    environment_.on_message(std::format("'{}' is in Hugging Face's cache already and is used from there", file.path));
  std::error_code error;
  return StagedFile{.source = fs::absolute(blob, error), .how = StagedFile::How::Link};
}

// Locks of contents on their way: the same one may be part of another model that is being fetched. All are taken
// before the first download, in the order of their names: two processes that need the same two contents in another
// order would wait for each other for ever.
Result<void> ModelFiles::lock_missing(const CacheFolder::OnWait& on_wait) {
  if (!group_.empty()) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (first_with_content_of(i) == i && !found_[i]) names.push_back(digest_of(files_[i]).hex);
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    auto lock = folder_.lock(name, FileLock::Kind::Exclusive, on_wait, environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    locks_.push_back(std::move(*lock));
  }
  return {};
}

Result<void> ModelFiles::download_rest(const CacheFolder::OnWait& on_wait) {
  if (auto locked = lock_missing(on_wait); !locked) return locked;
  std::uint64_t done = size_bytes_;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!found_[first_with_content_of(i)]) done -= files_[i].size_bytes;
  }
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const std::size_t first = first_with_content_of(i);
    if (found_[i] || (first != i && found_[first])) continue;
    auto data = download_one(i, done);
    if (!data) return std::unexpected(data.error());
    found_[i] = StagedFile{.source = std::move(*data)};
    done += files_[i].size_bytes;
  }
  return {};
}

Result<fs::path> ModelFiles::download_one(std::size_t number, std::uint64_t done_before) const {
  const HubFile& file = files_[number];
  Speed speed;
  DownloadProgress progress{.file = file.path,
                            .file_number = number + 1,
                            .file_count = files_.size(),
                            .file_done = 0,
                            .file_size = file.size_bytes,
                            .all_done = 0,
                            .all_size = size_bytes_,
                            .bytes_per_second = 0};
  const auto on_progress = [&](std::uint64_t bytes) {
    progress.file_done = bytes;
    progress.all_done = done_before + bytes;
    progress.bytes_per_second = speed.update(bytes);
    if (environment_.on_download) environment_.on_download(progress);
  };
  return download({.repo = repository_.repo,
                   .revision = repository_.revision,
                   .path = file.path,
                   .url = content_url(environment_.settings, repository_, file.path),
                   .size_bytes = file.size_bytes,
                   .digest = digest_of(file)},
                  folder_.incoming(digest_of(file), group_),
                  {.settings = environment_.settings,
                   .retry = environment_.retry,
                   .transport = environment_.transport,
                   .on_progress = on_progress,
                   .on_message = environment_.on_message,
                   .stop = environment_.stop});
}

Result<void> ModelFiles::check_headers() const {
  if (!group_.empty()) return {};  // what a table holds is its reader's concern
  const auto about = [&](const HubFile& file, const Error& error) {
    return fail(error.code,
                std::format("'{}' of '{}' is as published, but {}", file.path, repository_.repo, error.message));
  };
  const std::vector<StagedFile> sources = staged();
  std::vector<GgufHeader> headers;
  std::vector<fs::path> names;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    auto header = llama::read_gguf_header(sources[i].source);
    if (!header) return about(files_[i], header.error());
    headers.push_back(std::move(*header));
    names.emplace_back(files_[i].path);
  }
  if (auto model = check_model(headers, names); !model) return about(files_[0], model.error());
  return {};
}

std::vector<StagedFile> ModelFiles::staged() const {
  std::vector<StagedFile> sources;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const std::size_t first = first_with_content_of(i);
    sources.push_back(*found_[first]);
    // Moved away, it would be missing for the second.
    const auto shares = [&](std::size_t other) { return other != i && first_with_content_of(other) == first; };
    if (sources.back().how == StagedFile::How::Move &&
        std::ranges::any_of(std::views::iota(std::size_t{0}, files_.size()), shares))
      sources.back().how = StagedFile::How::Copy;
  }
  return sources;
}

void ModelFiles::discard_incoming() const {
  for (const HubFile& file : files_) folder_.discard_incoming(digest_of(file), group_);
}

}  // namespace llama::internal
