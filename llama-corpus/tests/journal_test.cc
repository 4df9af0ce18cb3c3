// A journal is bound to its run, belongs to one process, and is never mistaken for anything else.
#include "store/journal.h"

#include <sys/wait.h>

#include <csignal>

#include "llama-corpus/interrupted_run.h"
#include "store_tests.h"

namespace llama::internal {
namespace {

std::string why_refused(const std::filesystem::path& path, const JournalBinding& binding) {
  const auto journal = Journal::open(path, binding, false);
  if (journal) return "";
  EXPECT_EQ(journal.error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(journal.error().message.contains('\n'));
  return journal.error().message;
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A journal with some texts, as a process leaves it that ends without having finished.
void leave_journal(const std::filesystem::path& path, std::uint64_t texts = 5) {
  auto journal = Journal::open(path, test_binding(), false);
  ASSERT_TRUE(journal) << journal.error().message;
  std::vector<TextStore::Answered> answers;
  for (std::uint64_t i = 0; i < texts; ++i) {
    ASSERT_TRUE(journal->texts().number_of(digest_number(i)));
    answers.push_back(answered_number(i));
  }
  ASSERT_TRUE(journal->texts().add(answers, texts));
}

TEST(Journal, NamesWhatDiffersFromTheRunThatBeganIt) {
  const StoreFolder folder;
  const auto path = folder.path / "x.parquet.journal";
  leave_journal(path);
  EXPECT_EQ(why_refused(path, test_binding()), "");
  const std::string name = "the journal '" + path.string() + "'";
  JournalBinding other = test_binding();
  other.settings[0].second = "512";
  EXPECT_EQ(why_refused(path, other), name + " is of a run with --max-length 256, this one has 512; remove it");
  other = test_binding();
  other.settings[1].second = "n > 3";
  EXPECT_EQ(why_refused(path, other), name + " is of a run with --where none, this one has n > 3; remove it");
  other = test_binding();
  other.settings.emplace_back("--keep", "all");
  EXPECT_EQ(why_refused(path, other), name + " is of a run with --keep none, this one has all; remove it");
  other = test_binding();
  other.input_fingerprint = "a.csv 101 bytes";
  EXPECT_EQ(why_refused(path, other), name + " is of another input, or file 'a.csv' has changed since; remove it");
  other = test_binding();
  other.model_identity = "def";
  EXPECT_EQ(why_refused(path, other),
            name + " is of a run with another model, or 'x.gguf' has changed since; remove it");
  EXPECT_EQ(Journal::open(path, test_binding(), false)->texts().answered(), 5u);
}

TEST(Journal, BeginsAnewWhenAsked) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  leave_journal(path);
  JournalBinding other = test_binding();
  other.settings[0].second = "512";
  auto journal = Journal::open(path, other, true);
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(journal->texts().answered(), 0u);
  journal = fail(ErrorCode::Internal, "closed");
  EXPECT_EQ(why_refused(path, other), "");
}

TEST(Journal, GoesWhenTheOutputIsWhole) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  leave_journal(path);
  auto journal = Journal::open(path, test_binding(), false);
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->remove());
  EXPECT_TRUE(folder.names().empty());
}

TEST(Journal, SaysThatItsOutputComesNext) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  EXPECT_EQ(announced_rows(path), std::nullopt);
  EXPECT_TRUE(folder.names().empty());
  leave_journal(path);
  EXPECT_EQ(announced_rows(path), std::nullopt);
  {
    auto journal = Journal::open(path, test_binding(), false);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_FALSE(journal->is_new());
    ASSERT_TRUE(journal->announce_output(4711));
    EXPECT_EQ(announced_rows(path), std::nullopt);  // its own process is at it
    // The log is the first file to go.
    std::filesystem::copy_file(path, folder.path / "copy");
  }
  EXPECT_EQ(announced_rows(path), 4711u);
  EXPECT_EQ(announced_rows(folder.path / "copy"), 4711u);
  EXPECT_EQ(Journal::open(folder.path / "copy", test_binding(), false)->texts().answered(), 5u);
  EXPECT_TRUE(Journal::open(folder.path / "other", test_binding(), false)->is_new());
  EXPECT_FALSE(Journal::open(path, test_binding(), true)->is_new());  // there was one
  EXPECT_EQ(announced_rows(path), std::nullopt);
  write_file(path, "a text of mine");
  EXPECT_EQ(announced_rows(path), std::nullopt);
  EXPECT_EQ(read_file(path), "a text of mine");
}

TEST(Journal, MakesItsFolder) {
  const StoreFolder folder;
  EXPECT_TRUE(Journal::open(folder.path / "parts" / ".parts.journal", test_binding(), false));
}

TEST(Journal, IsOneProcessAtATime) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  leave_journal(path);
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto journal = Journal::open(path, test_binding(), false);
    char byte = journal ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) < 0) ::_exit(2);
    ::_exit(0);
  }
  char byte = 'n';
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  for (const bool restarts : {false, true}) {
    const auto second = Journal::open(path, test_binding(), restarts);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Busy);
    EXPECT_TRUE(second.error().message.contains("another process")) << second.error().message;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Journal::open(path, test_binding(), false)->texts().answered(), 5u);
  // Two in one process exclude each other as well.
  const auto first = Journal::open(path, test_binding(), false);
  ASSERT_TRUE(first);
  EXPECT_EQ(Journal::open(path, test_binding(), false).error().code, ErrorCode::Busy);
}

// A process that dies while it writes leaves what it had added before.
TEST(Journal, SurvivesAKillAtAnyTime) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  std::uint64_t before = 0;
  for (int round = 0; round < 12; ++round) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = Journal::open(path, test_binding(), false);
      if (!journal) ::_exit(3);
      for (std::uint64_t i = journal->texts().answered();; i += 50) {
        std::vector<TextStore::Answered> answers;
        for (std::uint64_t k = i; k < i + 50; ++k) {
          if (!journal->texts().number_of(digest_number(k))) ::_exit(4);
          answers.push_back(answered_number(k));
        }
        if (!journal->texts().add(answers, i + 50)) ::_exit(5);
        const std::uint64_t sum = i + 50;
        if (::write(told[1], &sum, sizeof sum) != sizeof sum) ::_exit(6);
      }
    }
    ::close(told[1]);
    std::uint64_t sum = 0;
    for (int i = 0; i <= round; ++i) ASSERT_EQ(::read(told[0], &sum, sizeof sum), static_cast<ssize_t>(sizeof sum));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(told[0]);
    auto journal = Journal::open(path, test_binding(), false);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_GE(journal->texts().answered(), sum);
    EXPECT_GT(journal->texts().answered(), before);
    EXPECT_EQ(journal->texts().answered() % 50, 0u);
    EXPECT_EQ(journal->texts().rows().value(), journal->texts().answered());
    before = journal->texts().answered();
    for (std::uint64_t i = 0; i < before; i += 17) {
      expect_same(journal->texts().answer(i + 1).value(), answered_number(i).answer);
      EXPECT_EQ(journal->texts().number_of(digest_number(i))->number, i + 1);
    }
  }
}

TEST(Journal, RefusesWhatIsNoneAndLeavesItAlone) {
  const StoreFolder folder;
  for (const std::string_view content : {"a text of mine", "SQLite format 3\0 and then something else", "PAR1"}) {
    const auto path = folder.path / "journal";
    write_file(path, content);
    for (const bool restarts : {false, true}) {
      const auto journal = Journal::open(path, test_binding(), restarts);
      ASSERT_FALSE(journal);
      EXPECT_EQ(journal.error().code, ErrorCode::InvalidArgument);
      EXPECT_EQ(read_file(path), content);
    }
  }
  write_file(folder.path / "empty", "");
  EXPECT_TRUE(Journal::open(folder.path / "empty", test_binding(), false));
}

TEST(Journal, SaysThatItIsDamaged) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  leave_journal(path, 2000);
  const std::string whole = read_file(path);
  ASSERT_GT(whole.size(), 100'000u);
  int damaged = 0;
  for (std::size_t at = 200; at + 4096 < whole.size(); at += 16'384) {
    std::string content = whole;
    for (std::size_t i = at; i < at + 4096; ++i) content[i] = '\xa5';
    write_file(path, content);
    const auto journal = Journal::open(path, test_binding(), false);
    if (journal) continue;  // it was within the answers
    ++damaged;
    EXPECT_EQ(journal.error().code, ErrorCode::Corrupt) << journal.error().message;
    EXPECT_TRUE(journal.error().message.contains("; remove it")) << journal.error().message;
    EXPECT_TRUE(Journal::open(path, test_binding(), true));
  }
  EXPECT_GT(damaged, 0);
}

}  // namespace
}  // namespace llama::internal
