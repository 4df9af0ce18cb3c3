#include "llama-loader/model_source.h"

#include <gtest/gtest.h>

#include <fstream>

namespace llama {
namespace {

TEST(ModelSource, ReadsARepository) {
  const auto source = ModelSource::parse("Qwen/Qwen3-Embedding-0.6B-GGUF");
  ASSERT_TRUE(source);
  ASSERT_NE(source->hugging_face(), nullptr);
  EXPECT_EQ(source->hugging_face()->repo, "Qwen/Qwen3-Embedding-0.6B-GGUF");
}

TEST(ModelSource, PrefersWhatExistsOnDisk) {
  const auto folder = std::filesystem::temp_directory_path() / "llama-source-test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "m.gguf") << "x";
  const auto as_folder = ModelSource::parse(folder.string(), "m.gguf");
  ASSERT_TRUE(as_folder);
  EXPECT_EQ(as_folder->local()->filename, "m.gguf");
  const auto as_file = ModelSource::parse((folder / "m.gguf").string());
  ASSERT_TRUE(as_file);
  EXPECT_EQ(as_file->local()->folder, folder);
  EXPECT_FALSE(ModelSource::parse((folder / "m.gguf").string(), "m.gguf"));
  std::filesystem::remove_all(folder);
}

TEST(ModelSource, SaysBothReadingsOfAnythingElse) {
  for (const char* name : {"no-such-model", "/no/such/folder", "a/b/c", "org/model.gguf", "./x/y", "a b/c"}) {
    const auto source = ModelSource::parse(name);
    ASSERT_FALSE(source) << name;
    EXPECT_NE(source.error().message.find("neither"), std::string::npos);
  }
  EXPECT_FALSE(ModelSource::parse(""));
  EXPECT_FALSE(ModelSource::parse("org/model", "model.bin"));
}

}  // namespace
}  // namespace llama
