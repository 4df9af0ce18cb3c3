#include "llama-embedding/text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>
#include <fstream>
#include <limits>
#include <random>
#include <thread>

#include "llama-embedding/embedding_result.h"

namespace llama {
namespace {

constexpr SourceLimits kNoLimits{.max_texts = 1'000'000, .max_bytes = 1U << 30};

// A path that is gone when the test ends.
struct TemporaryPath {
  TemporaryPath()
      : path(std::filesystem::temp_directory_path() / std::format("text-file-{}-{}", ::getpid(), ++count)) {}
  explicit TemporaryPath(const std::string& content) : TemporaryPath() {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TemporaryPath() { std::filesystem::remove(path); }
  std::filesystem::path path;
  static inline int count = 0;
};

struct Read {
  std::vector<std::string> texts;
  std::vector<std::uint64_t> rows;
  std::uint64_t skipped = 0;
  std::vector<SourceState> states;
};

Read read_all(TextFile& file, SourceLimits limits = kNoLimits) {
  Read result;
  for (;;) {
    auto batch = file.next(limits, {});
    EXPECT_TRUE(batch) << batch.error().message;
    if (!batch) return result;
    EXPECT_LE(batch->texts.size(), limits.max_texts);
    for (auto& text : batch->texts) {
      result.rows.push_back(text.row);
      result.texts.push_back(std::move(*text.text));
    }
    result.skipped += batch->skipped;
    result.states.push_back(batch->state);
    if (batch->state == SourceState::End) return result;
  }
}

// Counted first: what is counted is what comes.
Read read(const std::string& content, SourceLimits limits = kNoLimits) {
  const TemporaryPath file(content);
  auto source = TextFile::open(file.path);
  EXPECT_TRUE(source) << source.error().message;
  EXPECT_TRUE((*source)->count());
  const TextCount total = (*source)->total().value();
  Read result = read_all(**source, limits);
  EXPECT_EQ(total.texts, result.texts.size());
  std::uint64_t bytes = 0;
  for (const auto& text : result.texts) bytes += text.size();
  EXPECT_EQ(total.bytes, bytes);
  return result;
}

using Texts = std::vector<std::string>;

TEST(TextFile, ReadsEveryKindOfLineEnd) {
  EXPECT_EQ(read("a\nb\r\nc").texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(read("a\nb\r\nc\n").texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(read("").texts, Texts{});
}

TEST(TextFile, KeepsBytesAndDropsTheByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbf  a \t\nb\rc\n").texts, (Texts{"  a \t", "b\rc"}));
  EXPECT_EQ(read(std::string("a\0b\n", 4)).texts, (Texts{std::string("a\0b", 3)}));
  EXPECT_EQ(read("ok\nbad \xff\nok\n").texts, (Texts{"ok", "bad \xff", "ok"}));
}

TEST(TextFile, CountsBlankLinesAndNumbersAllLines) {
  const auto result = read("\n  \t\r\na\n\xe3\x80\x80\xc2\xa0\nb");
  EXPECT_EQ(result.texts, (Texts{"a", "b"}));
  EXPECT_EQ(result.rows, (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(result.skipped, 3u);
}

TEST(TextFile, ReadsLinesLongerThanItsBuffer) {
  const std::string longer(1 << 20, 'x');
  EXPECT_EQ(read(longer + "\n" + longer).texts, (Texts{longer, longer}));
}

TEST(TextFile, CountsWhatComesWhereverABlockIsCut) {
  std::mt19937 random(11);
  const std::vector<std::string> pieces{"x",
                                        " ",
                                        "\r",
                                        "\n",
                                        "\n",
                                        "\xe3\x80\x80",
                                        "\xc2\xa0",
                                        "\xe2\x80\x83",
                                        "\xe3",
                                        "\xe2\x80",
                                        std::string(100'000, 'y'),
                                        std::string(90'000, ' ')};
  for (int round = 0; round < 60; ++round) {
    std::string content;
    for (int i = 0; i < 60; ++i) content += pieces[random() % pieces.size()];
    read(content);  // compares the count
  }
}

TEST(TextFile, KeepsToTheLimits) {
  const auto result = read("aaaa\nbbbb\ncccc\n", {.max_texts = 2, .max_bytes = 100});
  EXPECT_EQ(result.texts, (Texts{"aaaa", "bbbb", "cccc"}));
  EXPECT_EQ(result.states, (std::vector{SourceState::More, SourceState::End}));
  EXPECT_EQ(read("aaaa\nbbbb\ncccc\n", {.max_texts = 9, .max_bytes = 5}).states,
            (std::vector{SourceState::More, SourceState::End}));
}

TEST(TextFile, NamesWhatItCannotOpen) {
  EXPECT_EQ(TextFile::open("/no/such/file").error().code, ErrorCode::NotFound);
  EXPECT_EQ(TextFile::open("/tmp").error().code, ErrorCode::Io);
}

TEST(TextFile, RefusesWhatIsNoText) {
  const TemporaryPath file(std::string("\xff\xfeh\0i\0\n\0", 8));
  const auto opened = TextFile::open(file.path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::InvalidText);
  EXPECT_NE(opened.error().message.find(file.path.string()), std::string::npos);
  EXPECT_NE(opened.error().message.find("iconv -f UTF-16 -t UTF-8"), std::string::npos);
}

TEST(TextFile, CountingCanBeStopped) {
  const TemporaryPath file("a\n");
  std::filesystem::resize_file(file.path, 1ULL << 38);  // sparse: 256 GB that take minutes
  auto source = TextFile::open(file.path);
  ASSERT_FALSE(source);  // NUL bytes from the start
  std::ofstream(file.path, std::ios::binary) << std::string(1 << 17, 'a');
  std::filesystem::resize_file(file.path, 1ULL << 38);
  source = TextFile::open(file.path);
  ASSERT_TRUE(source) << source.error().message;
  std::stop_source stop;
  const auto counted = (*source)->count(stop.get_token(), [&](double) { stop.request_stop(); });
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, ErrorCode::Cancelled);
}

TEST(TextFile, CountsNothingThatCanBeReadOnlyOnce) {
  const TemporaryPath fifo;
  ASSERT_EQ(::mkfifo(fifo.path.c_str(), 0600), 0);
  auto source = TextFile::open(fifo.path);  // nobody writes: it does not wait
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE((*source)->count());
  EXPECT_FALSE((*source)->total());
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ((*source)->next(kNoLimits, stop.get_token()).error().code, ErrorCode::Cancelled);
}

// A pipe that the test writes to, and the source that reads it.
struct Pipe {
  Pipe() {
    EXPECT_EQ(::mkfifo(fifo.path.c_str(), 0600), 0);
    auto opened = TextFile::open(fifo.path);
    EXPECT_TRUE(opened);
    source = std::move(*opened);
    writer = ::open(fifo.path.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_GE(writer, 0);
  }
  ~Pipe() { close(); }
  void write(std::string_view bytes) const {
    EXPECT_EQ(::write(writer, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void close() {
    if (writer >= 0) ::close(writer);
    writer = -1;
  }
  Result<SourceBatch> next(std::size_t max_texts = 1000) const {
    return source->next({.max_texts = max_texts, .max_bytes = 1 << 20}, {});
  }
  TemporaryPath fifo;
  std::unique_ptr<TextFile> source;
  int writer = -1;
};

Texts texts_of(const Result<SourceBatch>& batch) {
  Texts texts;
  for (const auto& text : batch->texts) texts.push_back(*text.text);
  return texts;
}

TEST(TextFile, PausesWhereAPipeHasNothingMore) {
  Pipe pipe;
  pipe.write("one\ntwo\nbegun");
  auto batch = pipe.next();
  EXPECT_EQ(texts_of(batch), (Texts{"one", "two"}));
  EXPECT_EQ(batch->state, SourceState::Pause);
  pipe.write(" and ended\n");
  batch = pipe.next();
  EXPECT_EQ(texts_of(batch), Texts{"begun and ended"});
  EXPECT_EQ(batch->state, SourceState::Pause);
  pipe.write("last");
  pipe.close();
  batch = pipe.next();
  EXPECT_EQ(texts_of(batch), Texts{"last"});
  EXPECT_EQ(batch->state, SourceState::End);
}

TEST(TextFile, DoesNotWaitAfterItSaidMore) {
  Pipe pipe;
  pipe.write("one\ntwo\n\n \n");
  auto batch = pipe.next(2);
  EXPECT_EQ(texts_of(batch), (Texts{"one", "two"}));
  EXPECT_EQ(batch->state, SourceState::More);  // it is full
  batch = pipe.next(2);
  EXPECT_EQ(texts_of(batch), Texts{});
  EXPECT_EQ(batch->skipped, 2u);
  EXPECT_EQ(batch->state, SourceState::Pause);
}

TEST(TextFile, RefusesWhatIsNoTextInAPipe) {
  Pipe pipe;
  pipe.write(std::string_view("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  const auto batch = pipe.next();
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::InvalidText);
  EXPECT_NE(batch.error().message.find("PNG"), std::string::npos);
}

TEST(Md5, HasTheKnownValue) { EXPECT_EQ(md5_hex("test text"), "1e2db57dd6527ad4f8f281ab028d2c70"); }

TEST(Normalize, MakesLengthOne) {
  std::vector<float> vector{3, 4}, zero{0, 0}, tiny{1e-44F, 0};
  normalize(vector);
  normalize(zero);
  normalize(tiny);
  EXPECT_FLOAT_EQ(vector[0], 0.6f);
  EXPECT_FLOAT_EQ(vector[1], 0.8f);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
  EXPECT_EQ(tiny, (std::vector<float>{1, 0}));
}

TEST(IsFinite, SeesNanAndInfinityAnywhere) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  for (std::size_t at = 0; at < 37; ++at) {
    for (const float odd : {infinity, -infinity, nan, -nan}) {
      std::vector<float> vector(37, largest);
      EXPECT_TRUE(is_finite(vector));
      vector[at] = odd;
      EXPECT_FALSE(is_finite(vector)) << at;
    }
  }
  EXPECT_TRUE(is_finite(std::vector<float>{0.0F, -0.0F, -largest, least}));
  EXPECT_TRUE(is_finite({}));
}

}  // namespace
}  // namespace llama
