#include <format>

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
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto header = read_gguf_header(files[i]);
    if (!header) return std::unexpected(header.error());
    if (i == 0) {
      if (auto check = check_is_model(*header, files[i]); !check) return std::unexpected(check.error());
    }
    if (header->split_count() != static_cast<int>(files.size()) || header->split_index() != static_cast<int>(i)) {
      return fail(
          ErrorCode::InvalidModel,
          std::format("model '{}': the file says it is part {} of {}, its name says {} of {}", files[i].string(),
                      header->split_index() + 1, header->split_count(), i + 1, files.size()));
    }
  }
  return files;
}

}  // namespace llama
