#include "llama-loader/model_source.h"

#include <algorithm>
#include <cctype>
#include <format>

namespace llama {
namespace {

bool is_repo_name(const std::string& name) {
  if (std::ranges::count(name, '/') != 1 || name.front() == '/' || name.back() == '/' || name.front() == '.')
    return false;
  return std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/'; });
}

}  // namespace

Result<ModelSource> ModelSource::parse(const std::string& name, const std::optional<std::string>& filename) {
  if (name.empty()) return fail(ErrorCode::InvalidArgument, "the model's name is empty");
  if (filename && (filename->empty() || !filename->ends_with(".gguf"))) {
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
  if (is_repo_name(name) && !name.ends_with(".gguf")) return ModelSource(HuggingFaceSource{name, filename});
  return fail(ErrorCode::InvalidArgument,
              std::format("'{}' is neither a folder or .gguf file that exists here nor a Hugging Face "
                          "repository of the form organization/model",
                          name));
}

std::string ModelSource::to_string() const {
  if (const auto* remote = hugging_face()) return remote->repo;
  return local()->folder.string();
}

}  // namespace llama
