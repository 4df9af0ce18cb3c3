#include <gtest/gtest.h>

#include <fstream>

#include "llama-loader/model_loader.h"

namespace llama {
namespace {

TEST(ModelLoader, NeedsTheNetworkForARepositoryThatIsNotInTheCache) {
  const auto folder = std::filesystem::temp_directory_path() / "no-such-cache";
  HubSettings offline;
  offline.offline = true;
  const auto loaded = ModelLoader(CacheManager(folder), {}, offline).load_huggingface_model("org/model");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::Offline);
  std::filesystem::remove_all(folder);
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
