#include <format>
#include <system_error>

#include "cache/cache_room.h"
#include "cache/manifest.h"
#include "download/fetch_with.h"
#include "llama-loader/gguf_header.h"
#include "llama-loader/kernel_choice.h"
#include "llama-loader/model_loader.h"
#include "resident_memory.h"
#include "shared_models.h"

namespace llama {
namespace {

using Clock = std::chrono::steady_clock;

struct Facts {
  std::string filename, sha256, first_sha256, commit;
  std::string content;  // content_of(); "" where it is not known
  bool cache_hit = false;
  std::optional<internal::FileLock> use;
};

// A loaded model that keeps its files in the cache.
struct HeldModel {
  std::shared_ptr<const Model> model;
  internal::FileLock use;
};

// What tells the files from others without reading them.
std::string identity_of(const std::vector<std::filesystem::path>& files, const std::string& content) {
  if (!content.empty()) return content;
  std::string identity;
  for (const auto& file : files) {
    std::error_code error;
    const auto whole = std::filesystem::canonical(file, error);
    const auto look = internal::fingerprint_of(file);
    identity += std::format("{}{} {} {}", identity.empty() ? "" : ", ", error ? file.string() : whole.string(),
                            look ? look->size_bytes : 0, look ? look->modified_ns : 0);
  }
  return identity;
}

Result<LoadedModel> load_files(const std::vector<std::filesystem::path>& files, const ModelConfig& config,
                               Facts facts) {
  const auto started = Clock::now();
  const std::uint64_t before = internal::resident_memory();
  auto model = internal::share_model(files, config.device, config.stop, [&] -> Result<std::shared_ptr<const Model>> {
    return Model::load(files, {.on_progress = config.on_progress,
                               .stop = config.stop,
                               .device = config.device,
                               .on_notice = config.on_notice});
  });
  if (!model) return std::unexpected(model.error());
  std::shared_ptr<const Model> shared = std::move(*model);
  if (facts.use) {
    auto held = std::make_shared<HeldModel>(shared, std::move(*facts.use));
    shared = std::shared_ptr<const Model>(held, held->model.get());
  }
  std::uint64_t size = 0;
  for (const auto& file : files) {
    std::error_code error;
    size += std::filesystem::file_size(file, error);
  }
  std::string identity = identity_of(files, facts.content);
  const auto load_time = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
  const std::uint64_t after = internal::resident_memory();
  return LoadedModel{.model = std::move(shared),
                     .path = files.front(),
                     .metadata = {.source = config.source,
                                  .filename = std::move(facts.filename),
                                  .size_bytes = size,
                                  .load_time = load_time,
                                  .cache_hit = facts.cache_hit,
                                  .sha256 = std::move(facts.sha256),
                                  .commit = std::move(facts.commit),
                                  .identity = std::move(identity),
                                  .first_sha256 = std::move(facts.first_sha256),
                                  .memory_before_bytes = before,
                                  .memory_after_bytes = after}};
}

}  // namespace

ModelLoader::ModelLoader() = default;
ModelLoader::ModelLoader(CacheManager cache, RetryConfig retry, std::optional<HubSettings> hub)
    : cache_(std::move(cache)), retry_(retry), hub_(std::move(hub)) {}

namespace {

Result<internal::FetchedModel> fetch_into(const CacheManager& cache, const RetryConfig& retry,
                                          const std::optional<HubSettings>& hub, const ModelConfig& config,
                                          bool ask_hub) {
  const HuggingFaceSource* source = config.source.hugging_face();
  if (source == nullptr) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is on this machine already", config.source.to_string()));
  }
  return internal::fetch_with(
      cache, retry, hub,
      {.repo = source->repo,
       .endpoint = {},
       .revision = source->revision,
       .filename = source->filename,
       .quant = source->quant},
      {.ask_hub = ask_hub, .on_download = config.on_download, .on_message = config.on_message, .stop = config.stop});
}

}  // namespace

Result<LoadedModel> ModelLoader::load_model(const ModelConfig& config) const {
  choose_measured_kernels(MeasurementMemory(cache_.folder()));
  if (const LocalSource* local = config.source.local()) {
    const auto files = find_local_model(*local);
    if (!files) return std::unexpected(files.error());
    return load_files(*files, config,
                      {.filename = files->front().filename().string(),
                       .sha256 = {},
                       .first_sha256 = {},
                       .commit = {},
                       .content = {},
                       .cache_hit = false,
                       .use = {}});
  }
  auto fetched = fetch_into(cache_, retry_, hub_, config, false);
  if (!fetched) return std::unexpected(fetched.error());
  // The manifest vouches for the files; what is wrong with a header is wrong since it was published.
  const auto& first = fetched->entry.manifest.files.front();
  std::string sha256 = internal::sha256_of(fetched->entry.manifest);
  const std::string first_sha256 = sha256.empty() ? "" : first.digest.hex;
  return load_files(fetched->entry.paths(), config,
                    {.filename = first.path,
                     .sha256 = std::move(sha256),
                     .first_sha256 = first_sha256,
                     .commit = fetched->entry.manifest.commit,
                     .content = internal::content_of(fetched->entry.manifest),
                     .cache_hit = fetched->cache_hit,
                     .use = std::move(fetched->use)});
}

Result<LoadedModel> ModelLoader::load_huggingface_model(const std::string& repo,
                                                        const std::optional<std::string>& filename) const {
  return load_model(
      {.source = ModelSource(HuggingFaceSource{.repo = repo, .filename = filename}), .on_progress = {}, .stop = {}});
}

Result<LoadedModel> ModelLoader::load_local_model(const std::filesystem::path& folder,
                                                  const std::optional<std::string>& filename) const {
  return load_model({.source = ModelSource(LocalSource{folder, filename}), .on_progress = {}, .stop = {}});
}

Result<FetchedFiles> ModelLoader::fetch(const ModelConfig& config, bool ask_hub) const {
  const auto fetched = fetch_into(cache_, retry_, hub_, config, ask_hub);
  if (!fetched) return std::unexpected(fetched.error());
  return FetchedFiles{.model = internal::describe(fetched->entry), .cache_hit = fetched->cache_hit};
}

}  // namespace llama
