#include "model_names.h"

namespace llama {

ModelNames names_of(const EmbeddingModel& model) {
  const ModelMetadata& file = model.metadata();
  ModelNames names{.architecture = model.model().architecture(),
                   .name = model.model().metadata("general.name"),
                   .basename = model.model().metadata("general.basename"),
                   .file = file.filename};
  if (const HuggingFaceSource* remote = file.source.hugging_face()) names.repository = remote->repo;
  return names;
}

}  // namespace llama
