#include <format>

#include "llama-loader/model_loader.h"

namespace llama {
namespace {

Result<LoadedModel> load_files(const ModelConfig& config) {
  const auto started = std::chrono::steady_clock::now();
  const auto files = find_local_model(*config.source.local());
  if (!files) return std::unexpected(files.error());
  auto model = Model::load(*files, {.on_progress = config.on_progress, .stop = config.stop});
  if (!model) return std::unexpected(model.error());

  std::uint64_t size = 0;
  for (const auto& file : *files) {
    std::error_code error;
    size += std::filesystem::file_size(file, error);
  }
  const auto elapsed = std::chrono::steady_clock::now() - started;
  return LoadedModel{.model = std::move(*model),
                     .path = files->front(),
                     .metadata = {.source = config.source,
                                  .filename = files->front().filename().string(),
                                  .size_bytes = size,
                                  .load_time = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed)}};
}

}  // namespace

Result<LoadedModel> ModelLoader::load_model(const ModelConfig& config) const {
  if (const auto* remote = config.source.hugging_face()) {
    return fail(
        ErrorCode::NotFound,
        std::format("'{}' does not exist here and is read as a Hugging Face repository; downloading is not built yet: "
                    "fetch the .gguf file yourself and name its folder or file",
                    remote->repo));
  }
  return load_files(config);
}

Result<LoadedModel> ModelLoader::load_local_model(const std::filesystem::path& folder,
                                                  const std::optional<std::string>& filename) const {
  return load_files({.source = ModelSource(LocalSource{folder, filename}), .on_progress = {}, .stop = {}});
}

}  // namespace llama
