#include "hub/model_choice.h"

#include <gtest/gtest.h>

#include "memory_hub.h"

namespace llama::internal {
namespace {

// A repository of one file, of which the server has the beginning.
struct OneFile {
  const char* what;
  std::uint64_t size_bytes;
  MemoryAnswer answer;
  std::optional<std::string> filename;
  bool is_chosen;
  std::size_t requests;
};

MemoryAnswer beginning_of(const std::string& content) { return {.status = 206, .pieces = {content}}; }

TEST(ModelChoice, AsksForTheHeaderOfALargeFile) {
  constexpr std::uint64_t kLarge = 2ull << 30, kSmall = 2 << 20;
  const std::string draft = test::draft_model(), model = test::sound_model(100);
  for (const OneFile& row : {OneFile{"a model", kLarge, beginning_of(model), {}, true, 1},
                             {"a draft", kLarge, beginning_of(draft), {}, false, 1},
                             {"a draft that is named", kLarge, beginning_of(draft), "m.gguf", false, 1},
                             {"a draft of a server without ranges", kLarge, {.pieces = {draft, draft}}, {}, false, 1},
                             {"a small draft: the download will tell", kSmall, beginning_of(draft), {}, true, 0},
                             {"no answer", kLarge, {.status = 500}, {}, true, 1},
                             {"a web page", kLarge, beginning_of(std::string(1 << 16, '<')), {}, true, 1},
                             {"an answer that breaks off",
                              kLarge,
                              {.status = 206, .pieces = {draft.substr(0, 30)}, .end = TransferEnd::Broken},
                              {},
                              true,
                              1}}) {
    MemoryServer server;
    server.handle([&](const HttpRequest&) { return row.answer; });
    const auto transport = server.factory()();
    const HubSettings settings = test::MemoryHub::settings();
    HubRepository repository{.repo = "org/m", .revision = "main", .commit = test::kCommit};
    repository.files.push_back({.path = "m.gguf", .size_bytes = row.size_bytes, .sha256 = std::string(64, 'a')});
    const auto choice =
        choose_model(repository, {.repo = "org/m", .endpoint = settings.endpoint, .filename = row.filename},
                     {.transport = *transport,
                      .settings = settings,
                      .is_known = [](const ModelChoice&) { return false; },
                      .on_message = {},
                      .stop = {}});
    EXPECT_EQ(choice.has_value(), row.is_chosen) << row.what;
    if (!choice) {
      EXPECT_EQ(choice.error().code, ErrorCode::InvalidModel) << row.what;
    }
    ASSERT_EQ(server.requests().size(), row.requests) << row.what;
    if (row.requests > 0) {
      EXPECT_EQ(server.requests()[0].range, "0-65535") << row.what;
    }
  }
}

}  // namespace
}  // namespace llama::internal
