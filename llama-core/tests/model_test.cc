#include "llama-core/model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>

#include "llama-core/embedding_context.h"
#include "vocabulary_check.h"

namespace llama {
namespace {

TEST(Model, NamesAFileThatDoesNotExist) {
  const std::filesystem::path path = "/nowhere/model.gguf";
  const auto model = Model::load(std::span(&path, 1));
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::NotFound);
  EXPECT_NE(model.error().message.find("/nowhere/model.gguf"), std::string::npos);
}

TEST(Model, SaysWhyLlamaCppRefusesAFile) {
  const auto path = std::filesystem::temp_directory_path() / "llama-core-not-a-model.gguf";
  std::ofstream(path) << "this is no model";
  const auto model = Model::load(std::span(&path, 1));
  std::filesystem::remove(path);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::InvalidModel);
  EXPECT_EQ(model.error().message.find('\n'), std::string::npos);
}

TEST(Model, BlamesTheVocabularyOnlyForBytesThatItLacks) {
  const auto error = [](const std::exception& thrown) {
    return internal::thrown_error(thrown, ErrorCode::Internal, "no tokens").error();
  };
  EXPECT_EQ(error(std::bad_alloc()).code, ErrorCode::OutOfMemory);
  EXPECT_EQ(error(std::out_of_range("at")).code, ErrorCode::InvalidModel);
  EXPECT_TRUE(error(std::out_of_range("at")).message.contains("single bytes"));
  EXPECT_EQ(error(std::runtime_error("no regex")).code, ErrorCode::Internal);
  EXPECT_EQ(error(std::runtime_error("no regex")).message, "no tokens: no regex");
}

TEST(EmbeddingContext, NeedsAModel) {
  const auto context = EmbeddingContext::create(nullptr, {});
  EXPECT_EQ(context.error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
