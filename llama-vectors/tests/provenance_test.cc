#include "llama-vectors/provenance.h"

#include <gtest/gtest.h>

namespace llama {
namespace {

TEST(Provenance, SaysWhatTheMetadataSays) {
  const auto found = read_provenance({{"llama.model_source", "/models/a.gguf"},
                                      {"llama.dimension", "384"},
                                      {"llama.dimensions", "128"},
                                      {"llama.normalized", "true"},
                                      {"llama.prompt", "passage: {text}"},
                                      {"llama.prompt_name", "document"},
                                      {"llama.device", "CPU"},
                                      {"pandas", "{}"}});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->names_model());
  EXPECT_EQ(found->model_source, "/models/a.gguf");
  EXPECT_EQ(found->model_dimension, 384);
  EXPECT_EQ(found->dimensions, 128);
  EXPECT_EQ(found->is_normalized, true);
  EXPECT_EQ(found->prompt, "passage: {text}");
  EXPECT_EQ(found->prompt_name, "document");
  EXPECT_EQ(found->device, "CPU");
  EXPECT_EQ(found->max_length, std::nullopt);
}

TEST(Provenance, OfAFileThatIsNotOursIsEmpty) {
  const auto found = read_provenance({});
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->names_model());
  EXPECT_EQ(found->is_normalized, std::nullopt);
  EXPECT_EQ(found->int8_scales, std::nullopt);
}

TEST(Provenance, ReadsScales) {
  const auto found = read_provenance({{"llama.int8_scales", "{\"start\":[-1,0.5],\"step\":[0.25,1e-3]}"}});
  ASSERT_TRUE(found && found->int8_scales);
  EXPECT_EQ(found->int8_scales->starts, (std::vector<float>{-1, 0.5F}));
  EXPECT_EQ(found->int8_scales->steps, (std::vector<float>{0.25F, 1e-3F}));
}

TEST(Provenance, RefusesWhatCannotBeRead) {
  for (const auto& [key, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"llama.dimension", "many"},
           {"llama.max_length", "12a"},
           {"llama.int8_scales", ""},
           {"llama.int8_scales", "{\"start\":[1],\"step\":[1,2]}"},
           {"llama.int8_scales", "{\"start\":[1],\"step\":[1]"},
           {"llama.int8_scales", "{\"start\":[x],\"step\":[1]}"}}) {
    const auto found = read_provenance({{key, value}});
    ASSERT_FALSE(found) << key << " " << value;
    EXPECT_EQ(found.error().code, ErrorCode::Corrupt);
    EXPECT_TRUE(found.error().message.contains(key));
  }
}

}  // namespace
}  // namespace llama
