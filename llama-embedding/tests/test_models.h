// The synthetic models of testing/make_models.py, loaded.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "llama-embedding/embedding_model.h"

namespace llama {

inline EmbeddingConfig config_of(const std::string& name) {
  return EmbeddingConfig(ModelSource(LocalSource{std::getenv("TEST_MODELS"), name}));
}

inline std::shared_ptr<const EmbeddingModel> load(const std::string& name,
                                                  const std::function<void(EmbeddingConfig&)>& change = {}) {
  EmbeddingConfig config = config_of(name);
  if (change) change(config);
  auto model = EmbeddingModel::load(config);
  EXPECT_TRUE(model) << model.error().message;
  return model.value_or(nullptr);
}

inline double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace llama
