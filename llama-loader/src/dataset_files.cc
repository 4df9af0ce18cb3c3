#include "llama-loader/dataset_files.h"

#include <algorithm>
#include <format>

#include "download/fetch_with.h"
#include "hub/glob.h"
#include "hub/repo_kind.h"
#include "hub/repo_path.h"

namespace llama {
namespace {

DatasetFile describe_file(const internal::CacheEntry& entry, const internal::ManifestFile& file) {
  DatasetFile described{
      .path = file.path, .file = internal::file_place(entry.folder, file.path), .size_bytes = file.size_bytes};
  (file.digest.kind == internal::DigestKind::Sha256 ? described.sha256 : described.git_sha1) = file.digest.hex;
  return described;
}

}  // namespace

DatasetLoader::DatasetLoader() = default;
DatasetLoader::DatasetLoader(CacheManager cache, RetryConfig retry, std::optional<HubSettings> hub)
    : cache_(std::move(cache)), retry_(retry), hub_(std::move(hub)) {}

Result<DatasetFiles> DatasetLoader::fetch(const DatasetSource& source, const DatasetOptions& options) const {
  if (!internal::is_repo_name(source.repo)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no data set's name (organization/name)", source.repo));
  }
  if (!internal::is_revision(source.revision)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no branch, tag or commit", source.revision));
  }
  if (!source.pattern.empty() && !internal::is_safe_path(source.pattern)) {
    return fail(ErrorCode::InvalidArgument,
                std::format("'{}' is no file, folder or glob in a data set", source.pattern));
  }
  if (auto glob = internal::check_glob(source.pattern); !glob) return std::unexpected(glob.error());
  auto fetched = internal::fetch_with(cache_, retry_, hub_,
                                      {.repo = internal::dataset_repo(source.repo),
                                       .endpoint = {},
                                       .revision = source.revision,
                                       .pattern = source.pattern},
                                      {.ask_hub = options.ask_hub,
                                       .on_download = options.on_download,
                                       .on_message = options.on_message,
                                       .stop = options.stop});
  if (!fetched) return std::unexpected(fetched.error());
  const internal::Manifest& manifest = fetched->entry.manifest;
  // The cache's answer may have more than the one file that was named.
  const auto is_named = [&](const internal::ManifestFile& file) { return file.path == source.pattern; };
  const bool has_named = std::ranges::any_of(manifest.files, is_named);
  DatasetFiles files{.source = source,
                     .commit = manifest.commit,
                     .files = {},
                     .cache_hit = fetched->cache_hit,
                     .use = std::make_shared<internal::FileLock>(std::move(fetched->use))};
  for (const internal::ManifestFile& file : manifest.files)
    if (!has_named || is_named(file)) files.files.push_back(describe_file(fetched->entry, file));
  return files;
}

}  // namespace llama
