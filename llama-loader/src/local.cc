#include <format>
#include <system_error>
#include <utility>

#include "gguf/model_check.h"
#include "llama-base/file_digest.h"
#include "llama-loader/detection.h"
#include "llama-loader/gguf_header.h"
#include "llama-loader/model_loader.h"
#include "llama-loader/multipart.h"

namespace llama {

namespace {

Result<std::vector<std::filesystem::path>> checked_model(const std::filesystem::path& folder,
                                                         const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const auto& name : names) files.push_back(folder / name);
  std::vector<GgufHeader> headers;
  for (const auto& file : files) {
    auto header = read_gguf_header(file);
    if (!header) return std::unexpected(header.error());
    headers.push_back(std::move(*header));
  }
  if (auto sound = internal::check_model(headers, files); !sound) return std::unexpected(sound.error());
  return files;
}

}  // namespace

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

  // A word of the folder's name stands in all of its files, as a repository's does (detection.h).
  const std::filesystem::path whole = std::filesystem::weakly_canonical(source.folder, error);
  const ModelWish wish{.filename = source.filename, .repository = "/" + whole.filename().string()};
  const auto chosen = choose_model_files(names, wish);
  if (!chosen)
    return fail(chosen.error().code, std::format("folder '{}': {}", source.folder.string(), chosen.error().message));
  if (source.filename) return checked_model(source.folder, *chosen);
  // Names rank, headers decide: the first that is a model of its own.
  for (const std::string& candidate : rank_models(names, wish.repository)) {
    const auto parts = with_all_parts(names, candidate);
    if (!parts) break;
    const auto header = read_gguf_header(source.folder / candidate);
    if (!header || check_is_model(*header, candidate)) return checked_model(source.folder, *parts);
  }
  return checked_model(source.folder, *chosen);
}

Result<std::string> digest_of_local_model(const LocalSource& source, const std::stop_token& stop) {
  const auto files = find_local_model(source);
  if (!files) return std::unexpected(files.error());
  std::vector<std::string> digests;
  for (const auto& file : *files) {
    auto digest = internal::digest_of_file(file, internal::DigestKind::Sha256, {}, stop);
    if (!digest) return std::unexpected(digest.error());
    digests.push_back(std::move(digest->hex));
  }
  return sha256_of_parts(digests);
}

}  // namespace llama
