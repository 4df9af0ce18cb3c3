#include "llama-agent/session.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

#include "../src/session/session_file.h"

namespace llama {
namespace {

TEST(SessionStore, KeepsMessagesInOrder) {
  SessionStore store({});
  const auto session = store.create();
  ASSERT_TRUE(session);
  EXPECT_EQ(session->id.size(), 26U);
  ASSERT_TRUE(store.add_message(session->id, {.role = MessageRole::System, .content = "Be brief."}));
  ASSERT_TRUE(store.add_message(session->id, {.content = "Hello"}));
  const auto read = store.get(session->id);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->messages.size(), 2U);
  EXPECT_EQ(read->messages[1].content, "Hello");
  EXPECT_TRUE(store.remove(session->id));
  EXPECT_EQ(store.get(session->id).error().code, ErrorCode::NotFound);
}

TEST(SessionStore, RefusesMoreThanMayBeAndForgetsWhatExpired) {
  SessionStore store({.max_sessions = 2, .session_timeout = std::chrono::seconds(1)});
  const auto first = store.create();
  ASSERT_TRUE(store.create());
  EXPECT_EQ(store.create().error().code, ErrorCode::Busy);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  const auto gone = store.get(first->id);
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().message.contains("expired")) << gone.error().message;
  EXPECT_FALSE(store.add_message(first->id, {.content = "x"}));
  EXPECT_EQ(store.stats().expired_sessions, 2U);
  EXPECT_TRUE(store.create());
  EXPECT_EQ(store.stats().total_sessions, 1U);
}

TEST(SessionStore, ATimeWithoutEndNeverIsOver) {
  SessionStore store({.session_timeout = std::chrono::seconds::max()});
  const auto session = store.create();
  ASSERT_TRUE(session);
  EXPECT_TRUE(store.get(session->id));
  EXPECT_EQ(store.list().size(), 1U);
}

TEST(SessionStore, TakesMessagesOfManyThreads) {
  SessionStore store({});
  const auto session = store.create();
  std::vector<std::jthread> writers;
  for (int i = 0; i < 5; ++i) {
    writers.emplace_back([&] {
      for (int k = 0; k < 3; ++k) EXPECT_TRUE(store.add_message(session->id, {.content = "x"}));
    });
  }
  writers.clear();
  EXPECT_EQ(store.get(session->id)->messages.size(), 15U);
}

TEST(SessionStore, RefusesTextThatIsNone) {
  SessionStore store({});
  const auto session = store.create();
  EXPECT_EQ(store.add_message(session->id, {.content = "a\xFF"}).error().code, ErrorCode::InvalidText);
  EXPECT_EQ(store.add_message(session->id, {.content = std::string("a\0b", 3)}).error().code, ErrorCode::InvalidText);
  EXPECT_EQ(store.add_message(session->id, {.content = std::string(100'001, 'a')}).error().code,
            ErrorCode::InvalidText);
  EXPECT_EQ(store.add_message(session->id, {.content = " \n"}).error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(store.add_message(session->id, {.content = "}} function( <script> rm -rf DROP TABLE"}));
}

TEST(SessionFile, GivesBackWhatWasSaved) {
  SessionStore store({});
  const auto session = store.create();
  ASSERT_TRUE(store.add_message(session->id, {.content = "漢字 \"quoted\"\n"}));
  ASSERT_TRUE(store.add_message(session->id, {.role = MessageRole::Assistant,
                                              .content = "Yes.",
                                              .thinking = "Hm.",
                                              .tool_calls = {{"1", "look", "{\"at\":1}"}}}));
  ASSERT_TRUE(store.add_message(session->id, {.role = MessageRole::Tool, .content = "seen", .tool_call_id = "1"}));
  const auto file = std::filesystem::temp_directory_path() / (session->id + ".json");
  ASSERT_TRUE(store.save(session->id, file));
  SessionStore other({});
  const auto loaded = other.load(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->id, session->id);
  EXPECT_EQ(internal::to_json(*loaded), internal::to_json(*store.get(session->id)));
  EXPECT_NE(other.load(file)->id, session->id) << "a session is not overwritten";
  std::filesystem::remove(file);
  EXPECT_EQ(other.load(file).error().code, ErrorCode::NotFound);
}

TEST(SessionFile, SaysWhatIsWrongWithAFile) {
  struct Row {
    std::string_view text, reason;
  };
  const std::string deep =
      R"({"messages":[],"version":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  std::string wide = R"({"messages":[]})";
  for (int i = 0; i < 300'000; ++i) wide.insert(wide.size() - 1, ",\"" + std::to_string(i) + "\":1");
  for (const auto& [text, reason] : std::vector<Row>{
           {"", "not JSON"},
           {"\xff\xfe{", "iconv -f UTF-16 -t UTF-8"},
           {"[]", "no messages"},
           {R"({"version":2,"messages":[]})", "version is 2"},
           {R"({"messages":[{"role":"user"}]})", "message 1: a message without content"},
           {R"({"messages":[{"role":"king","content":"x"}]})", "'king' is no role"},
           {R"({"messages":[{"role":"user","content":"x"},7]})", "message 2"},
           {deep, "nested too deep"},
           {wide, "too many members"},
       }) {
    const auto session = internal::parse_session(text);
    ASSERT_FALSE(session) << text.substr(0, 200);
    EXPECT_TRUE(session.error().message.contains(reason)) << session.error().message.substr(0, 200);
  }
}

TEST(Ulid, IsNewEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(new_ulid());
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace llama
