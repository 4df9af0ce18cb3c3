// Vectors stay across runs, by model and settings; several processes share the file.
#include "llama-corpus/vector_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "store_tests.h"

namespace llama::internal {
namespace {

const VectorSource kSource = {.kernels = "packed, avx2", .device = "CPU"};

KnownVector vector_number(std::uint64_t i) {
  return {.vector = {static_cast<float>(i), 0.5F, -1},
          .tokens = static_cast<std::uint32_t>(i),
          .token_count = i * 2,
          .truncated = i % 2 == 0};
}

TEST(VectorStore, KeepsVectorsByModelAndSettings) {
  const StoreFolder folder;
  const auto path = folder.path / "vectors";
  {
    auto store = VectorStore::open(path, "model a", 3);
    ASSERT_TRUE(store) << store.error().message;
    for (std::uint64_t i = 0; i < 100; ++i) store->insert(digest_number(i), vector_number(i));
    ASSERT_TRUE(store->keep(kSource) && store->flush());
    store->insert(digest_number(5), vector_number(6));  // what is there stays
    ASSERT_TRUE(store->keep(kSource) && store->flush());
  }
  auto store = VectorStore::open(path, "model a", 3);
  ASSERT_TRUE(store) << store.error().message;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto found = store->find(digest_number(i));
    ASSERT_TRUE(found && *found) << i;
    EXPECT_EQ((*found)->vector, vector_number(i).vector);
    EXPECT_EQ((*found)->tokens, i);
    EXPECT_EQ((*found)->token_count, i * 2);
    EXPECT_EQ((*found)->truncated, i % 2 == 0);
  }
  EXPECT_FALSE(store->find(digest_number(100)).value());
  EXPECT_FALSE(VectorStore::open(path, "model b", 3)->find(digest_number(1)).value());
  EXPECT_FALSE(VectorStore::open(path, "model a", 4));
}

// The log is not synced with each transaction, and SQLite empties it by itself only when the last one closes the file.
TEST(VectorStore, HasInTheFileItselfWhatWasFlushedThoughAnotherHasItOpen) {
  const StoreFolder folder;
  const auto path = folder.path / "vectors", copy = folder.path / "without the log";
  const auto other = VectorStore::open(path, "model", 3);
  ASSERT_TRUE(other);
  {
    auto store = VectorStore::open(path, "model", 3);
    ASSERT_TRUE(store);
    store->insert(digest_number(1), vector_number(1));
    ASSERT_TRUE(store->keep(kSource) && store->flush());
  }
  std::filesystem::copy_file(path, copy);
  auto found = VectorStore::open(copy, "model", 3)->find(digest_number(1));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->has_value());
}

TEST(VectorStore, HasWhatAKilledProcessHadKept) {
  const StoreFolder folder;
  const auto path = folder.path / "vectors";
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = VectorStore::open(path, "model", 3);
    if (!store) ::_exit(1);
    for (std::uint64_t i = 0; i < 300; ++i) {
      store->insert(digest_number(i), vector_number(i));
      if (i % 100 == 99 && i < 200 && !store->keep(kSource)) ::_exit(2);
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(VectorStore::open(path, "another model", 4));  // whoever comes first
  auto store = VectorStore::open(path, "model", 3);
  ASSERT_TRUE(store) << store.error().message;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto found = store->find(digest_number(i));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->has_value(), i < 200) << i;
    EXPECT_TRUE(!*found || (*found)->vector == vector_number(i).vector);
  }
  EXPECT_EQ(store->sources().value(), std::vector{kSource});
}

// As it was before it knew who computes, and what is kept but not in the index.
TEST(VectorStore, OfAnOlderVersionIsGoneOnWith) {
  const StoreFolder folder;
  const auto path = folder.path / "vectors";
  {
    auto store = VectorStore::open(path, "model", 3);
    store->insert(digest_number(1), vector_number(1));
    ASSERT_TRUE(store->keep(kSource) && store->flush());
    ASSERT_TRUE(VectorStore::open(path, "unused", 3));
  }
  {
    auto database = SqliteDatabase::open(path, "a database", "");
    ASSERT_TRUE((*database)->run("DROP TABLE waiting; DROP TABLE sources"));
  }
  auto store = VectorStore::open(path, "model", 3);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->find(digest_number(1)).value()->vector, vector_number(1).vector);
  store->insert(digest_number(2), vector_number(2));
  ASSERT_TRUE(store->keep(kSource));
  const VectorSource unknown = {.kernels = "unknown", .device = "unknown"};
  EXPECT_EQ(store->sources().value(), (std::vector{kSource, unknown}));
  EXPECT_EQ(VectorStore::open(path, "unused", 3)->sources().value(), std::vector<VectorSource>{});
}

TEST(VectorStore, RefusesAnotherFileAndLeavesItAlone) {
  const StoreFolder folder;
  const auto path = folder.path / "mine.db";
  {
    auto database = SqliteDatabase::open(path, "a database", "");
    ASSERT_TRUE((*database)->run("CREATE TABLE mine(x); INSERT INTO mine VALUES(1)"));
  }
  const auto journal = folder.path / "journal";
  ASSERT_TRUE(Journal::open(journal, test_binding(), false));
  const auto text = folder.path / "text";
  std::ofstream(text) << "PAR1 and so on";
  for (const auto& file : {path, journal, text}) {
    const auto size = std::filesystem::file_size(file);
    const auto store = VectorStore::open(file, "model", 3);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::InvalidArgument);
    EXPECT_TRUE(store.error().message.contains(file.string())) << store.error().message;
    EXPECT_EQ(std::filesystem::file_size(file), size);
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"journal", "mine.db", "text"}));
  EXPECT_FALSE(VectorStore::open(folder.path, "model", 3));
  EXPECT_FALSE(VectorStore::open(folder.path / "nowhere" / "vectors", "model", 3));
}

TEST(VectorStore, IsSharedByProcesses) {
  const StoreFolder folder;
  const auto path = folder.path / "vectors";
  std::vector<pid_t> children;
  for (std::uint64_t child = 0; child < 4; ++child) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    auto store = VectorStore::open(path, "model", 3);
    if (!store) ::_exit(1);
    for (std::uint64_t i = 0; i < 200; ++i) {
      // Some of them are another's as well.
      const std::uint64_t text = i % 2 == 0 ? i : 1000 * child + i;
      store->insert(digest_number(text), vector_number(text));
      if (!store->keep(kSource) || (i % 3 == 0 && !store->flush())) ::_exit(2);
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  auto store = VectorStore::open(path, "model", 3);
  for (std::uint64_t child = 0; child < 4; ++child) {
    for (std::uint64_t i = 0; i < 200; ++i) {
      const std::uint64_t text = i % 2 == 0 ? i : 1000 * child + i;
      const auto found = store->find(digest_number(text));
      ASSERT_TRUE(found && *found);
      EXPECT_EQ((*found)->vector, vector_number(text).vector);
    }
  }
}

}  // namespace
}  // namespace llama::internal
