#include <format>

#include "gguf/model_check.h"
#include "llama-loader/detection.h"
#include "llama-loader/gguf_header.h"
#include "llama-loader/model_loader.h"

namespace llama {

Result<std::vector<std::filesystem::path>> find_local_model(const LocalSource& source) {
  std::error_code error;
  if (!std::filesystem::is_directory(source.folder, error)) {
    return fail(ErrorCode::NotFound, std::format("model folder '{}' does not exist", source.folder.string()));
  }
  std::vector<std::string> names;
  // A name may lead below the folder ("BF16/model.gguf"): then its own folder's files are the candidates.
  const std::filesystem::path inner =
      source.filename ? std::filesystem::path(*source.filename).parent_path() : std::filesystem::path();
  for (auto it = std::filesystem::directory_iterator(source.folder / inner, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) names.push_back((inner / it->path().filename()).string());
  }
  if (error)
    return fail(ErrorCode::Io,
                std::format("folder '{}' cannot be read: {}", (source.folder / inner).string(), error.message()));

  const auto chosen = choose_model_files(names, source.filename);
  if (!chosen)
    return fail(chosen.error().code, std::format("folder '{}': {}", source.folder.string(), chosen.error().message));

  std::vector<std::filesystem::path> files;
  for (const auto& name : *chosen) files.push_back(source.folder / name);
  std::vector<GgufHeader> headers;
  for (const auto& file : files) {
    auto header = read_gguf_header(file);
    if (!header) return std::unexpected(header.error());
    headers.push_back(std::move(*header));
  }
  if (auto sound = internal::check_model(headers, files); !sound) return std::unexpected(sound.error());
  return files;
}

}  // namespace llama
