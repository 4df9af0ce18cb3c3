#include "llama-loader/hub_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace llama {
namespace {

Result<HubSettings> with(const std::map<std::string, std::string>& variables) {
  return HubSettings::from_environment([=](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(HubSettings, HasTheHubsDefaults) {
  const auto settings = with({{"HOME", "/home/me"}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->endpoint, "https://huggingface.co");
  EXPECT_EQ(settings->hugging_face_cache, "/home/me/.cache/huggingface/hub");
  EXPECT_FALSE(settings->offline);
  EXPECT_EQ(settings->token, "");
}

TEST(HubSettings, ReadsTheVariables) {
  const auto settings = with({{"HF_ENDPOINT", "http://mirror:8080/hf/"},
                              {"HF_TOKEN", " hf_x\r\n"},
                              {"TRANSFORMERS_OFFLINE", "Yes"},
                              {"HF_HUB_CACHE", "/c"},
                              {"HUGGINGFACE_HUB_CACHE", "/d"},
                              {"HF_HUB_ETAG_TIMEOUT", "3"},
                              {"HF_HUB_DOWNLOAD_TIMEOUT", "60"}});
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->endpoint, "http://mirror:8080/hf");
  EXPECT_EQ(settings->token, "hf_x");
  EXPECT_TRUE(settings->offline);
  EXPECT_EQ(settings->hugging_face_cache, "/c");
  EXPECT_EQ(settings->connect_timeout.count(), 3);
  EXPECT_EQ(settings->stall_timeout.count(), 60);
}

TEST(HubSettings, LooksForTheTokenInOrder) {
  const auto file = std::filesystem::temp_directory_path() / ("token-" + std::to_string(::getpid()));
  std::ofstream(file) << "from_file\n";
  EXPECT_EQ(with({{"HF_TOKEN", "a"}, {"HUGGING_FACE_HUB_TOKEN", "b"}, {"HF_TOKEN_PATH", file}})->token, "a");
  EXPECT_EQ(with({{"HUGGING_FACE_HUB_TOKEN", "b"}, {"HF_TOKEN_PATH", file}})->token, "b");
  EXPECT_EQ(with({{"HF_TOKEN_PATH", file}})->token, "from_file");
  EXPECT_EQ(with({{"HF_TOKEN", "a"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}})->token, "");
  std::filesystem::remove(file);
}

TEST(HubSettings, RefusesWhatMakesNoSense) {
  for (const auto& [name, value] : std::map<std::string, std::string>{{"HF_ENDPOINT", "hub"},
                                                                      {"HF_HUB_OFFLINE", "maybe"},
                                                                      {"HF_HUB_ETAG_TIMEOUT", "0"},
                                                                      {"HF_HUB_DOWNLOAD_TIMEOUT", "10s"},
                                                                      {"HF_TOKEN", "a\nb: c"}}) {
    const auto settings = with({{name, value}});
    ASSERT_FALSE(settings) << name;
    EXPECT_EQ(settings.error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(settings.error().message.contains("b: c")) << "a token is no message";
  }
}

}  // namespace
}  // namespace llama
