#include "download/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "memory_hub.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// One fetch after another into a cache of this test's own.
class FetchWorld {
 public:
  explicit FetchWorld(test::MemoryHub& hub) : hub_(hub) {}
  ~FetchWorld() { fs::remove_all(folder_); }
  FetchWorld(const FetchWorld&) = delete;
  FetchWorld& operator=(const FetchWorld&) = delete;

  Result<FetchedModel> fetch(const ModelRequest& request = {.repo = "org/m", .endpoint = "http://hub.test"}) {
    return fetch_model(request, {.cache = cache_,
                                 .settings = settings,
                                 .retry = retry_,
                                 .transport = hub_.server.factory(),
                                 .ask_hub = ask_hub,
                                 .on_download = {},
                                 .on_message =
                                     [&](std::string_view line) {
                                       said += std::string(line) + "\n";
                                       if (line.starts_with("waiting")) stop.request_stop();  // nobody would end it
                                     },
                                 .stop = stop.get_token()});
  }
  // All that has a model's name in the cache.
  [[nodiscard]] std::map<std::string, std::string> published() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : CacheManager(folder_).list().value()) {
      for (const auto& path : entry.paths()) {
        std::ifstream file(path, std::ios::binary);
        found[path.lexically_relative(entry.folder).string()] = std::string(std::istreambuf_iterator<char>(file), {});
      }
    }
    return found;
  }
  void clear() { fs::remove_all(folder_); }

  HubSettings settings = test::MemoryHub::settings();
  std::stop_source stop;
  std::string said;
  bool ask_hub = false;

 private:
  test::MemoryHub& hub_;
  fs::path folder_ = fs::temp_directory_path() / std::format("fetch-test-{}", ::getpid());
  CacheManager cache_{folder_};
  RetryConfig retry_{.max_retries = 3, .initial_delay = std::chrono::milliseconds(0)};
};

TEST(Fetch, LeavesDraftsOutByTheirNamesOrTheirHeaders) {
  const std::string model = test::sound_model(100);
  struct Row {
    const char* what;
    std::map<std::string, std::string> files;
    const char* taken;
    std::size_t requests;  // for contents
  };
  for (const Row& row :
       {Row{"by name: nobody asks",
            {{"m-Q8_0.gguf", model}, {"mtp-m-F16.gguf", test::draft_model()}},
            "m-Q8_0.gguf",
            1},
        {"by header", {{"m-Q8_0.gguf", model}, {"m-small-F16.gguf", test::draft_model()}}, "m-Q8_0.gguf", 3}}) {
    test::MemoryHub hub(row.files);
    FetchWorld world(hub);
    const auto fetched = world.fetch();
    ASSERT_TRUE(fetched) << row.what << ": " << fetched.error().message;
    EXPECT_EQ(fetched->entry.manifest.files.front().path, row.taken) << row.what;
    EXPECT_EQ(hub.content_requests().size(), row.requests) << row.what;
    EXPECT_EQ(world.fetch()->cache_hit, true) << "it is what is taken without a name";
  }
}

TEST(Fetch, RefusesARepositoryOfDraftsBeforeADownload) {
  test::MemoryHub hub(
      {{"a-Q8_0.gguf", test::draft_model()}, {"b-Q8_0.gguf", test::draft_model() + std::string(32, '\0')}});
  FetchWorld world(hub);
  const auto fetched = world.fetch();
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().code, ErrorCode::InvalidModel);
  EXPECT_THAT(fetched.error().message, HasSubstr("'a-Q8_0.gguf': a draft"));
  for (const HttpRequest& request : hub.content_requests()) EXPECT_EQ(request.range, "0-65535");
}

TEST(Fetch, AHeaderThatCannotBeHadDecidesNothing) {
  test::MemoryHub hub({{"m-F16.gguf", test::sound_model(100)}, {"m-Q8_0.gguf", test::sound_model(50)}});
  hub.server.fault(2, answered(500));
  FetchWorld world(hub);
  const auto fetched = world.fetch();
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->entry.manifest.files.front().path, "m-F16.gguf");
}

// Waited for itself, for ever.
TEST(Fetch, PartsOfTheSameContentAreFetchedOnce) {
  const std::string part = test::sound_model(100);
  test::MemoryHub hub({{"m-00001-of-00002.gguf", part}, {"m-00002-of-00002.gguf", part}});
  FetchWorld world(hub);
  const auto fetched = world.fetch();
  ASSERT_FALSE(fetched) << "the same part twice is no model";
  EXPECT_EQ(fetched.error().code, ErrorCode::InvalidModel);
  EXPECT_EQ(hub.content_requests().size(), 1u);
  EXPECT_THAT(world.said, testing::Not(HasSubstr("waiting for process")));
  EXPECT_TRUE(world.published().empty());
}

TEST(Fetch, AModelInUseByThisProcessIsBroughtUpToDate) {
  test::MemoryHub hub({{"m-Q8_0.gguf", test::sound_model(100)}});
  FetchWorld world(hub);
  const auto held = world.fetch();
  ASSERT_TRUE(held);
  world.ask_hub = true;
  const auto again = world.fetch();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->cache_hit);
}

TEST(Fetch, SaysWhereAModelIsThatIsFromAnotherEndpoint) {
  test::MemoryHub hub({{"m-Q8_0.gguf", test::sound_model(100)}});
  FetchWorld world(hub);
  ASSERT_TRUE(world.fetch());
  world.settings.offline = true;
  EXPECT_TRUE(world.fetch());
  const auto other = world.fetch({.repo = "org/m", .endpoint = "http://mirror.test"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::Offline);
  EXPECT_THAT(other.error().message, HasSubstr("from 'http://hub.test', not from 'http://mirror.test'"));
  EXPECT_THAT(other.error().message, HasSubstr("HF_ENDPOINT"));
  const auto none = world.fetch({.repo = "org/none", .endpoint = "http://hub.test"});
  EXPECT_THAT(none.error().message, testing::Not(HasSubstr("HF_ENDPOINT")));
}

struct NamedFault {
  const char* what;
  MemoryServer::Edit edit;
};

std::vector<NamedFault> faults_of_one_call() {
  return {
      {"broken before the head", broken_before_head()},
      {"broken in the body", broken_in_body(20)},
      {"one byte short",
       [](MemoryAnswer& answer) {
         std::size_t size = 0;
         for (const auto& piece : answer.pieces) size += piece.size();
         broken_in_body(size == 0 ? 0 : size - 1)(answer);
       }},
      {"500", answered(500)},
      {"404", answered(404)},
      {"a wrong bit", one_wrong_bit(30)},
      {"a wrong bit far away", one_wrong_bit(60'000)},
      {"too long", [](MemoryAnswer& answer) { answer.pieces.emplace_back("and more"); }},
      {"empty", [](MemoryAnswer& answer) { answer.pieces.clear(); }},
      {"hopeless", [](MemoryAnswer& answer) { answer = {.status = 0, .end = TransferEnd::Hopeless, .reason = "no"}; }}};
}

// Either the right bytes or an error that says something, and nothing wrong under a model's name.
void expect_right_or_clear(FetchWorld& world, const test::MemoryHub& hub, const Result<FetchedModel>& fetched) {
  if (!fetched) {
    EXPECT_FALSE(fetched.error().message.empty() || fetched.error().message.contains('\n'));
  }
  const auto published = world.published();
  EXPECT_EQ(published.size(), fetched ? fetched->entry.manifest.files.size() : 0u);
  for (const auto& [name, content] : published) {
    EXPECT_TRUE(hub.files.contains(name)) << name;
    if (hub.files.contains(name)) {
      EXPECT_TRUE(content == hub.files.at(name)) << name;
    }
  }
}

TEST(Fetch, IsRightOrClearAtEveryFaultOfEveryCall) {
  for (const NamedFault& fault : faults_of_one_call()) {
    for (std::size_t call = 0;; ++call) {
      SCOPED_TRACE(std::format("{} at call {}", fault.what, call));
      test::MemoryHub hub({{"m-F16.gguf", test::sound_model(64)}, {"m-Q8_0.gguf", test::sound_model(128)}});
      hub.server.fault(call, fault.edit);
      FetchWorld world(hub);
      const auto fetched = world.fetch();
      expect_right_or_clear(world, hub, fetched);
      if (hub.server.requests().size() <= call) {
        EXPECT_TRUE(fetched) << "without a fault";
        EXPECT_GE(call, 4u) << "two of the list, a header, a file";
        break;
      }
      ASSERT_LT(call, 20u);
      // What an earlier run left does no harm.
      const auto again = world.fetch();
      EXPECT_TRUE(again) << again.error().message;
      expect_right_or_clear(world, hub, again);
    }
  }
}

TEST(Fetch, IsRightOrClearOfADataSetToo) {
  const ModelRequest request{.repo = "datasets/org/m", .endpoint = "http://hub.test", .pattern = "data/*.csv"};
  for (const NamedFault& fault : faults_of_one_call()) {
    for (std::size_t call = 0;; ++call) {
      SCOPED_TRACE(std::format("{} at call {}", fault.what, call));
      test::MemoryHub hub(
          {{"data/1.csv", std::string(70'000, 'a')}, {"data/2.csv", "text\nhello\n"}, {"data/3.csv", "x"}},
          "datasets/org/m");
      hub.server.fault(call, fault.edit);
      FetchWorld world(hub);
      world.ask_hub = true;
      const auto fetched = world.fetch(request);
      // A list that lacks everything has nothing that matches.
      if (!fetched || fetched->entry.manifest.files.size() == 3) expect_right_or_clear(world, hub, fetched);
      if (hub.server.requests().size() <= call) {
        EXPECT_TRUE(fetched) << "without a fault";
        EXPECT_EQ(call, 5u) << "two of the list, three files";
        break;
      }
      ASSERT_LT(call, 20u);
      const auto again = world.fetch(request);
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(again->entry.manifest.files.size(), 3u);
      expect_right_or_clear(world, hub, again);
    }
  }
}

TEST(Fetch, AFileThatIsMeantIsNeverLeftOutInSilence) {
  const std::string good = R"({"type":"file","path":"data/1.csv","size":1,"oid":")" + std::string(40, 'b') + "\"}";
  for (const char* odd :
       {R"({"type":"file","path":"data/2.csv","size":1,"oid":"b"})",
        R"({"type":"file","path":"data/2.csv","size":-1,"oid":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})",
        R"({"type":"file","path":"data/a\\b\n.csv","size":1,"oid":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})"}) {
    test::MemoryHub hub({}, "datasets/org/m");
    hub.server.fault(1, [&](MemoryAnswer& answer) { answer.pieces = {"[" + good + "," + odd + "]"}; });
    FetchWorld world(hub);
    const auto fetched =
        world.fetch({.repo = "datasets/org/m", .endpoint = "http://hub.test", .pattern = "data/*.csv"});
    ASSERT_FALSE(fetched);
    EXPECT_THAT(fetched.error().message, HasSubstr("makes no sense")) << odd;
    EXPECT_FALSE(fetched.error().message.contains('\n'));
    test::MemoryHub other({{"data/1.csv", "x"}}, "datasets/org/m");
    other.server.fault(1, [&](MemoryAnswer& answer) { answer.pieces.back().insert(1, std::string(odd) + ","); });
    FetchWorld elsewhere(other);
    EXPECT_TRUE(elsewhere.fetch({.repo = "datasets/org/m", .endpoint = "http://hub.test", .pattern = "data/1.csv"}))
        << "another file's entry does not matter";
  }
}

TEST(Fetch, EndsOnAStopInEveryCall) {
  for (std::size_t call = 0; call < 4; ++call) {
    SCOPED_TRACE(call);
    test::MemoryHub hub({{"m-F16.gguf", test::sound_model(64)}, {"m-Q8_0.gguf", test::sound_model(128)}});
    FetchWorld world(hub);
    hub.server.fault(call, [&](MemoryAnswer& answer) {
      world.stop.request_stop();
      answer.stays_open = true;
    });
    const auto fetched = world.fetch();
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::Cancelled) << fetched.error().message;
    EXPECT_TRUE(world.published().empty());
    world.stop = std::stop_source();
    EXPECT_TRUE(world.fetch());
  }
}

}  // namespace
}  // namespace llama::internal
