#include "download/model_files.h"

#include <algorithm>
#include <atomic>
#include <format>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "download/download.h"
#include "download/side_by_side.h"
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

namespace {

constexpr std::uint64_t kSmallFile = 4 << 20;  // bytes: not worth more than one connection

// One connection for the files of a worker, which come one after the other.
class KeptTransport : public HttpTransport {
 public:
  explicit KeptTransport(std::shared_ptr<HttpTransport> kept) : kept_(std::move(kept)) {}
  HttpResult perform(const HttpRequest& request, const HttpSink& sink, const std::stop_token& stop) override {
    return kept_->perform(request, sink, stop);
  }

 private:
  std::shared_ptr<HttpTransport> kept_;
};

}  // namespace

ModelFiles::ModelFiles(const FetchEnvironment& environment, const CacheFolder& folder, const HubRepository& repository,
                       const std::vector<HubFile>& files, std::string key)
    : environment_(environment),
      folder_(folder),
      repository_(repository),
      files_(files),
      key_(std::move(key)),
      group_(kind_of(repository.repo) == RepoKind::Dataset ? client_cache_name(repository.repo) : ""),
      copies_(files.size()),
      found_(files.size()) {
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < files.size(); ++i) {
    size_bytes_ += files[i].size_bytes;
    first_.push_back(numbers.try_emplace(digest_of(files[i]).hex, i).first->second);
    ++copies_[first_[i]];
  }
}

bool ModelFiles::is_missing(std::size_t number) const { return first_[number] == number && !found_[number]; }

Result<void> ModelFiles::lock_group(const CacheFolder::OnWait& on_wait) {
  if (group_.empty()) return {};
  auto lock = folder_.lock(group_, FileLock::Kind::Exclusive, on_wait, environment_.stop);
  if (!lock) return std::unexpected(lock.error());
  locks_.push_back(std::move(*lock));
  return {};
}

Result<void> ModelFiles::find_here() {
  cached_.emplace(folder_, key_);
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (first_[i] != i) continue;
    found_[i] = look_for(files_[i]);
    if (environment_.stop.stop_requested()) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
  }
  return {};
}

bool ModelFiles::let_others_go() {
  if (!cached_->let_go()) return false;
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (found_[i] && found_[i]->how == StagedFile::How::Copy) found_[i] = look_for(files_[i]);
  return true;
}

std::uint64_t ModelFiles::missing_bytes() const {
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (is_missing(i)) missing += files_[i].size_bytes;
  }
  return missing;
}

// What no manifest vouches for is read, whatever its name says.
std::optional<StagedFile> ModelFiles::look_for(const HubFile& file) {
  const Digest wanted = digest_of(file);
  const auto is_it = [&](const fs::path& path) {
    std::error_code error;
    if (fs::file_size(path, error) != file.size_bytes || error) return false;
    const auto digest = digest_of_file(path, wanted.kind, {}, environment_.stop);
    return digest && digest->hex == wanted.hex;
  };
  if (auto found = cached_->find(wanted)) return StagedFile{.source = std::move(*found), .how = StagedFile::How::Copy};
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
    if (is_missing(i)) names.push_back(digest_of(files_[i]).hex);
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    auto lock = folder_.lock(name, FileLock::Kind::Exclusive, on_wait, environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    locks_.push_back(std::move(*lock));
  }
  return {};
}

class ModelFiles::Progress {
 public:
  explicit Progress(const ModelFiles& files) : files_(files), done_(files.size_bytes_) {
    for (std::size_t i = 0; i < files.files_.size(); ++i)
      if (files.is_missing(i)) done_ -= files.files_[i].size_bytes * files.copies_[i];
  }
  void finished(std::size_t number) { done_ += files_.files_[number].size_bytes * files_.copies_[number]; }
  // more: bytes of files that have not finished.
  void tell(std::size_t number, std::uint64_t bytes, std::uint64_t more) {
    const HubFile& file = files_.files_[number];
    const DownloadProgress progress{.file = file.path,
                                    .file_number = number + 1,
                                    .file_count = files_.files_.size(),
                                    .file_done = bytes,
                                    .file_size = file.size_bytes,
                                    .all_done = done_ + more,
                                    .all_size = files_.size_bytes_,
                                    .bytes_per_second = speed_.update(done_ + more)};
    if (files_.environment_.on_download) files_.environment_.on_download(progress);
  }

 private:
  const ModelFiles& files_;
  std::uint64_t done_;
  Speed speed_;
};

Result<void> ModelFiles::download_rest(const CacheFolder::OnWait& on_wait) {
  if (auto locked = lock_missing(on_wait); !locked) return locked;
  std::vector<std::size_t> small, large;
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (is_missing(i)) (files_[i].size_bytes <= kSmallFile ? small : large).push_back(i);
  if (small.size() == 1) large.insert(large.begin(), std::exchange(small, {}).front());
  Progress progress(*this);
  if (auto fetched = download_small(small, progress); !fetched) return fetched;
  for (const std::size_t number : large) {
    const Way way{environment_.transport, environment_.settings, environment_.stop};
    auto fetched =
        download_one(number, way, [&](std::uint64_t bytes) { progress.tell(number, bytes, bytes * copies_[number]); });
    if (!fetched) return fetched;
    progress.finished(number);
  }
  return {};
}

// Each worker keeps its connection for the next file: of a small file, the way to the hub and back takes the longest.
Result<void> ModelFiles::download_small(const std::vector<std::size_t>& numbers, Progress& progress) {
  if (numbers.empty()) return {};
  HubSettings settings = environment_.settings;
  const auto workers = static_cast<std::size_t>(std::clamp(settings.lanes, 1, 16));
  settings.lanes = 1;
  std::vector<std::shared_ptr<HttpTransport>> transports(workers);
  std::vector<std::atomic<std::uint64_t>> bytes(files_.size());
  std::atomic<std::size_t> latest = numbers.front();
  const auto work = [&](const PieceOfWork& piece) {
    const std::size_t number = numbers[piece.number];
    auto& own = transports[piece.worker];
    if (!own) own = environment_.transport();
    latest = number;
    return download_one(number, {[&] { return std::make_unique<KeptTransport>(own); }, settings, piece.stop},
                        [&](std::uint64_t count) { bytes[number] = count * copies_[number]; });
  };
  const auto tick = [&] {
    std::uint64_t sum = 0;
    for (const std::size_t number : numbers) sum += bytes[number];
    progress.tell(latest, bytes[latest] / copies_[latest], sum);
  };
  if (auto done = side_by_side(numbers.size(), workers, environment_.stop, work, tick); !done) return done;
  for (const std::size_t number : numbers) progress.finished(number);
  return {};
}

Result<void> ModelFiles::download_one(std::size_t number, const Way& way,
                                      const std::function<void(std::uint64_t bytes)>& on_progress) {
  const HubFile& file = files_[number];
  auto data = download({.repo = repository_.repo,
                        .revision = repository_.revision,
                        .path = file.path,
                        .url = content_url(environment_.settings, repository_, file.path),
                        .size_bytes = file.size_bytes,
                        .digest = digest_of(file)},
                       folder_.incoming(digest_of(file), group_),
                       {.settings = way.settings,
                        .retry = environment_.retry,
                        .transport = way.transport,
                        .on_progress = on_progress,
                        .on_message = environment_.on_message,
                        .stop = way.stop});
  if (!data) return std::unexpected(data.error());
  found_[number] = StagedFile{.source = std::move(*data)};
  return {};
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
  for (const std::size_t first : first_) {
    sources.push_back(*found_[first]);
    // Moved away, it would be missing for the second.
    if (copies_[first] > 1 && sources.back().how == StagedFile::How::Move) sources.back().how = StagedFile::How::Copy;
  }
  return sources;
}

void ModelFiles::discard_incoming() const {
  for (const HubFile& file : files_) folder_.discard_incoming(digest_of(file), group_);
}

}  // namespace llama::internal
