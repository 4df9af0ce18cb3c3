// Say where a model is: a Hugging Face repository, or a folder or file on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "llama-base/error.h"

namespace llama {

struct HuggingFaceSource {
  std::string repo;                       // "Qwen/Qwen3-Embedding-0.6B-GGUF"
  std::optional<std::string> filename{};  // of the repository's files; without it the rules of detection.h choose
  std::optional<std::string> quant{};     // among them: "Q8_0"
  std::string revision = "main";          // a branch, a tag or a commit
};

struct LocalSource {
  std::filesystem::path folder;
  std::optional<std::string> filename;  // in the folder; without it the rules of detection.h choose
};

class ModelSource {
 public:
  explicit ModelSource(HuggingFaceSource source) : source_(std::move(source)) {}
  explicit ModelSource(LocalSource source) : source_(std::move(source)) {}

  // Read what a user typed.
  //
  // A name that exists on disk is that folder or .gguf file; else "organization/model" or "organization/model:QUANT" is
  // a repository.
  //
  // Errors   InvalidArgument for anything else, saying both readings.
  [[nodiscard]] static Result<ModelSource> parse(const std::string& name,
                                                 const std::optional<std::string>& filename = std::nullopt);

  [[nodiscard]] const HuggingFaceSource* hugging_face() const { return std::get_if<HuggingFaceSource>(&source_); }
  [[nodiscard]] const LocalSource* local() const { return std::get_if<LocalSource>(&source_); }
  [[nodiscard]] std::string to_string() const;

 private:
  std::variant<HuggingFaceSource, LocalSource> source_;
};

}  // namespace llama
