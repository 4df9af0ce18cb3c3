#include <gtest/gtest.h>

#include <fstream>

#include "llama-loader/model_loader.h"

namespace llama {
namespace {

TEST(ModelLoader, SaysNotYetToARepository) {
  const auto source = ModelSource::parse("org/no-such-model");
  ASSERT_TRUE(source);
  const auto loaded = ModelLoader().load_model({.source = *source, .on_progress = {}, .stop = {}});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("not built yet"), std::string::npos);
}

TEST(ModelLoader, NamesAnEmptyFolder) {
  const auto folder = std::filesystem::temp_directory_path() / "llama-empty-folder";
  std::filesystem::create_directories(folder);
  const auto loaded = ModelLoader().load_local_model(folder);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::NotFound);
  EXPECT_NE(loaded.error().message.find(folder.string()), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(ModelLoader, RefusesAFileThatIsNoModel) {
  const auto folder = std::filesystem::temp_directory_path() / "llama-text-folder";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "m.gguf") << "plain text";
  const auto loaded = ModelLoader().load_local_model(folder);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::InvalidModel);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace llama
