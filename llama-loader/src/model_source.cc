#include "llama-loader/model_source.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <system_error>

#include "hub/repo_path.h"
#include "llama-loader/detection.h"

namespace llama {
namespace {

bool is_quant(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.');
  });
}

}  // namespace

Result<ModelSource> ModelSource::parse(const std::string& name, const std::optional<std::string>& filename) {
  if (name.empty()) return fail(ErrorCode::InvalidArgument, "the model's name is empty");
  if (filename && (filename->empty() || !has_gguf_ending(*filename))) {
    return fail(ErrorCode::InvalidArgument, std::format("the file name '{}' does not end in .gguf", *filename));
  }
  const std::filesystem::path path(name);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return ModelSource(LocalSource{path, filename});
  if (std::filesystem::exists(path, error)) {
    if (filename)
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' is a file; a file name ('{}') goes with a folder", name, *filename));
    return ModelSource(LocalSource{path.has_parent_path() ? path.parent_path() : ".", path.filename().string()});
  }
  const std::size_t colon = name.rfind(':');
  const std::string repo = name.substr(0, colon);
  const std::string tag = colon == std::string::npos ? "" : name.substr(colon + 1);
  if (internal::is_repo_name(repo) && !has_gguf_ending(name) && (colon == std::string::npos || is_quant(tag))) {
    HuggingFaceSource source{.repo = repo, .filename = filename};
    if (!tag.empty()) source.quant = tag;
    if (filename && source.quant) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' and the file name '{}' both choose a file; one is enough", name, *filename));
    }
    if (filename && !internal::is_safe_path(*filename)) {
      return fail(ErrorCode::InvalidArgument, std::format("'{}' is no file name in a repository", *filename));
    }
    return ModelSource(std::move(source));
  }
  return fail(ErrorCode::InvalidArgument,
              std::format("'{}' is neither a folder or .gguf file that exists here nor a Hugging Face "
                          "repository of the form organization/model or organization/model:QUANT",
                          name));
}

std::string ModelSource::to_string() const {
  if (const auto* remote = hugging_face()) return remote->quant ? remote->repo + ":" + *remote->quant : remote->repo;
  return local()->folder.string();
}

}  // namespace llama
