// Texts get numbers as they first occur, and their answers are found again, also by a later process.
#include "store/text_store.h"

#include <sys/resource.h>

#include <csignal>
#include <map>
#include <random>
#include <system_error>

#include "store_tests.h"

namespace llama::internal {
namespace {

// Numbers new texts among known ones, as a run does, and answers them in windows; a map says what is right.
struct TextRun {
  explicit TextRun(TextStore& s) : store(s), recalled(s.answered()) {}
  TextStore& store;
  TextNumber recalled;
  std::map<std::uint64_t, TextNumber> known;
  std::vector<TextStore::Answered> waiting;

  void ask(std::uint64_t text) {
    const auto number = store.number_of(digest_number(text));
    ASSERT_TRUE(number) << number.error().message;
    const auto [entry, is_new] = known.emplace(text, known.size() + 1);
    EXPECT_EQ(number->number, entry->second);
    EXPECT_EQ(number->is_new, is_new && number->number > recalled);
    if (number->is_new) waiting.push_back(answered_number(text));
  }
  void answer() {
    const auto added = store.add(waiting, known.size());
    ASSERT_TRUE(added) << added.error().message;
    waiting.clear();
  }
  void check() {
    for (const auto& [text, number] : known) {
      if (number > store.answered()) continue;
      const auto found = store.answer(number);
      ASSERT_TRUE(found) << found.error().message;
      expect_same(*found, answered_number(text).answer);
    }
  }
};

TEST(TextStore, NumbersTextsInOrderAndFindsThemAgain) {
  const StoreFolder folder;
  const auto store = TextStore::open_unnamed(folder.path);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(folder.names().empty());  // it has no name any more
  std::mt19937 random(1);
  TextRun run(**store);
  for (int window = 0; window < 50; ++window) {
    for (int i = 0; i < 100; ++i) run.ask(random() % 2000);
    run.answer();
  }
  run.check();
  EXPECT_EQ((*store)->answered(), run.known.size());
}

// More than are kept in memory: the index has most of them.
TEST(TextStore, BeginsAnewAndUsesTheSameRoom) {
  const StoreFolder folder;
  const auto opened = TextStore::open_unnamed(folder.path);
  ASSERT_TRUE(opened) << opened.error().message;
  TextStore& store = **opened;
  const auto file_size = [] {  // of the one file without a name
    std::uintmax_t size = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
      if (target.contains(".texts-")) size = std::filesystem::file_size(entry.path(), ignored);
    }
    return size;
  };
  std::uintmax_t after_two = 0;
  for (std::uint64_t round = 0; round < 20; ++round) {
    std::vector<TextStore::Answered> answers;
    const TextNumber before = store.answered();
    for (std::uint64_t text = 0; text < 2000; ++text) {
      const auto number = store.number_of(digest_number(text));  // the same texts each time
      ASSERT_TRUE(number) << number.error().message;
      EXPECT_TRUE(number->is_new);
      EXPECT_EQ(number->number, before + text + 1);
      answers.push_back(answered_number(text));
    }
    EXPECT_FALSE(store.number_of(digest_number(7))->is_new);
    EXPECT_EQ(store.begin_anew(2001), 0);
    const TextNumber end = store.begin_anew(2000);
    EXPECT_EQ(end, before + 2000);
    ASSERT_TRUE(store.add(answers, 0));
    expect_same(*store.answer(before + 8), answered_number(7).answer);  // until it is forgotten
    ASSERT_TRUE(store.forget(end));
    EXPECT_FALSE(store.answer(before + 8));
    if (round == 1) after_two = file_size();
  }
  EXPECT_GT(after_two, 0);
  EXPECT_LE(file_size(), after_two * 2);  // ten times as many texts have been in it
}

TEST(TextStore, BeginsAnewWithMoreTextsThanItKeepsInMemory) {
  const StoreFolder folder;
  const auto opened = TextStore::open_unnamed(folder.path);
  ASSERT_TRUE(opened) << opened.error().message;
  TextStore& store = **opened;
  constexpr std::uint64_t kTexts = 140'000;  // some are in the index
  for (std::uint64_t round = 0; round < 2; ++round) {
    std::vector<TextStore::Answered> answers;
    for (std::uint64_t text = 0; text < kTexts; ++text) {
      const auto number = store.number_of(digest_number(text));
      ASSERT_TRUE(number) << number.error().message;
      ASSERT_EQ(number->number, round * kTexts + text + 1);
      answers.push_back(answered_number(text));
    }
    ASSERT_TRUE(store.add(answers, 0));
    EXPECT_FALSE(store.number_of(digest_number(7))->is_new);
    const TextNumber end = store.begin_anew(1000);
    EXPECT_EQ(end, (round + 1) * kTexts);
    ASSERT_TRUE(store.forget(end));
  }
}

TEST(TextStore, FindsTextsInItsIndex) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  constexpr std::uint64_t kTexts = 140'000;
  {
    auto journal = Journal::open(path, test_binding(), false);
    ASSERT_TRUE(journal) << journal.error().message;
    TextRun run(journal->texts());
    for (std::uint64_t i = 0; i < kTexts; ++i) {
      run.ask(i);
      if (run.waiting.size() == 1000) run.answer();
    }
    for (std::uint64_t i = 0; i < kTexts; i += 97) run.ask(i);
  }
  auto journal = Journal::open(path, test_binding(), false);
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(journal->texts().answered(), kTexts);
  // In the same order, in another, and new ones.
  for (const std::uint64_t i : {0, 1, 2, 3, 139'999, 4, 5, 131'072, 7, 6, 135'000, 8}) {
    const auto number = journal->texts().number_of(digest_number(i));
    ASSERT_TRUE(number);
    EXPECT_EQ(number->number, i + 1);
    EXPECT_FALSE(number->is_new);
  }
  const auto fresh = journal->texts().number_of(digest_number(kTexts));
  EXPECT_EQ(fresh->number, kTexts + 1);
  EXPECT_TRUE(fresh->is_new);
}

TEST(TextStore, KeepsWhatWasAddedWhenItIsClosedAtAnyPoint) {
  const StoreFolder folder;
  std::mt19937 random(2);
  const auto path = folder.path / "journal";
  std::map<std::uint64_t, TextNumber> known;
  for (int round = 0; round < 30; ++round) {
    auto journal = Journal::open(path, test_binding(), false);
    ASSERT_TRUE(journal) << journal.error().message;
    TextStore& store = journal->texts();
    std::erase_if(known, [&](const auto& entry) { return entry.second > store.answered(); });
    ASSERT_EQ(known.size(), store.answered());
    TextRun run(store);
    // The input is read again from its beginning.
    std::vector<std::uint64_t> before(known.size());
    for (const auto& [text, number] : known) before[number - 1] = text;
    for (const std::uint64_t text : before) run.ask(text);
    ASSERT_EQ(run.waiting.size(), 0u);
    for (int i = 0; i < 40; ++i) run.ask(random() % 5000);
    if (round % 3 != 0) run.answer();  // else these are lost
    run.check();
    EXPECT_EQ(store.rows().value(), store.answered());
    known = run.known;
  }
  EXPECT_GT(known.size(), 500u);
}

TEST(TextStore, AddsAllAnswersOrNone) {
  const StoreFolder folder;
  auto journal = Journal::open(folder.path / "journal", test_binding(), false);
  ASSERT_TRUE(journal);
  TextStore& store = journal->texts();
  TextRun run(store);
  for (std::uint64_t i = 0; i < 10; ++i) run.ask(i);
  run.answer();
  // No file of this process may grow beyond what there is: as on a full disk.
  for (std::uint64_t i = 10; i < 3000; ++i) run.ask(i);
  struct rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit little = before;
  little.rlim_cur = 100'000;
  ::setrlimit(RLIMIT_FSIZE, &little);
  const auto added = store.add(run.waiting, 3000);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::NoSpace) << added.error().message;
  EXPECT_TRUE(added.error().message.contains("journal")) << added.error().message;
  EXPECT_EQ(store.answered(), 10u);
  run.check();
  run.answer();  // there is room again
  std::signal(SIGXFSZ, old);
  EXPECT_EQ(store.answered(), 3000u);
  run.check();
}

}  // namespace
}  // namespace llama::internal
