// A folder of one process alone, beside those of others: living, killed, or somebody else's.
#include "read/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "read/database.h"
#include "table_files.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

std::set<fs::path> in_folder(const fs::path& folder) {
  std::set<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path());
  return found;
}

TEST(ScratchFolder, IsOfItsOwnForEachAndForThisUserAloneAndGoes) {
  const TestFolder folder;
  const fs::path parent = folder.path("");
  {
    const ScratchFolder one = ScratchFolder::make_in(parent), two = ScratchFolder::make_in(parent);
    EXPECT_NE(one.path(), two.path());
    EXPECT_EQ(in_folder(parent), (std::set<fs::path>{one.path(), two.path()}));
    EXPECT_EQ(fs::status(one.path()).permissions(), fs::perms::owner_all);
    std::ofstream(one.path() / "rows") << "rows";
  }
  EXPECT_EQ(in_folder(parent), std::set<fs::path>{});
}

TEST(ScratchFolder, OfAKilledProcessGoesAndOfALivingOneStays) {
  const TestFolder folder;
  const fs::path parent = folder.path("");
  const ScratchFolder living = ScratchFolder::make_in(parent);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const ScratchFolder left = ScratchFolder::make_in(parent);
    std::ofstream(left.path() / "rows") << "rows";
    static_cast<void>(!::write(ready[1], "x", 1));
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  remove_left_scratch(parent);
  EXPECT_EQ(in_folder(parent).size(), 2u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(in_folder(parent).size(), 2u);
  fs::create_directories(parent / "llama-table-mine");
  remove_left_scratch(parent);
  EXPECT_EQ(in_folder(parent), (std::set<fs::path>{living.path(), parent / "llama-table-mine"}));
}

TEST(ScratchFolder, ThatCannotBeMadeIsFoundOutByWhoeverWritesToIt) {
  const ScratchFolder none = ScratchFolder::make_in("/no/such/folder");
  EXPECT_EQ(none.path().parent_path(), "/no/such/folder");
  EXPECT_FALSE(fs::exists(none.path()));
}

TEST(ScratchFolder, TwoDatabasesHaveTheirOwn) {
  const auto one = DuckDatabase::open(256 << 20), two = DuckDatabase::open(256 << 20);
  ASSERT_TRUE(one && two);
  const auto folder_of = [](DuckDatabase& database) {
    auto query = database.prepare("SELECT current_setting('temp_directory') AS folder", {});
    EXPECT_TRUE(query) << query.error().message;
    return (*query)->next({}).value()->column(0)->GetScalar(0).ValueOrDie()->ToString();
  };
  EXPECT_NE(folder_of(**one), folder_of(**two));
}

}  // namespace
}  // namespace llama::internal
