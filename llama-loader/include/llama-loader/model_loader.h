// Turn a model's name into a loaded model: choose its files, check them, load them.
//
// Threads  any number at once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "llama-core/error.h"
#include "llama-loader/model_config.h"

namespace llama {

class ModelLoader {
 public:
  // Errors   NotFound (a Hugging Face name: downloading is not built yet), and those of load_local_model.
  [[nodiscard]] Result<LoadedModel> load_model(const ModelConfig& config) const;

  // Errors   NotFound (folder, file, or a part of a split model), InvalidModel, Cancelled.
  [[nodiscard]] Result<LoadedModel> load_local_model(const std::filesystem::path& folder,
                                                     const std::optional<std::string>& filename = std::nullopt) const;
};

// The files of a local model in order, each header checked.
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_local_model(const LocalSource& source);

}  // namespace llama
