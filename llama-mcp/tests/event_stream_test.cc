#include "http/event_stream.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

namespace llama::internal {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Seen {
  std::vector<std::string> events;  // TYPE ':' DATA
  std::string last_id;
  std::optional<std::chrono::milliseconds> retry;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen read_stream(std::string_view bytes, const std::vector<std::size_t>& pieces, std::size_t limit = 1'000) {
  Seen seen;
  EventStream stream(limit, [&](const StreamEvent& event) {
    seen.events.push_back(std::string(event.type) + ':' + std::string(event.data) + (event.is_too_long ? "…" : ""));
    return true;
  });
  for (std::size_t at = 0, piece = 0; at < bytes.size(); ++piece) {
    const std::size_t length = pieces.empty() ? bytes.size() : pieces[piece % pieces.size()];
    EXPECT_TRUE(stream.push(bytes.substr(at, length)));
    at += length;
  }
  seen.last_id = stream.last_event_id();
  seen.retry = stream.retry();
  return seen;
}

// Source: web-platform-tests, eventsource/format-*.any.js, and the examples of the standard itself: what they say comes
// out.
struct StreamRow {
  const char* name;
  std::string bytes;
  std::vector<std::string> events;
};
const std::vector<StreamRow> kStreamRows{
    {"bom",
     "\xEF\xBB\xBF"
     "data:1\n\n\xEF\xBB\xBF"
     "data:2\n\ndata:3\n\n",
     {"message:1", "message:3"}},
    {"two boms",
     "\xEF\xBB\xBF\xEF\xBB\xBF"
     "data:1\n\ndata:2\n\n",
     {"message:2"}},
    {"comments", "data:1\r:\0\n:\r\ndata:2\n:x\rdata:3\n:data:fail\r:x\ndata:4\n\n"s, {"message:1\n2\n3\n4"}},
    {"data before the final empty line", "retry:1000\ndata:test1\n\nid:test\ndata:test2", {"message:test1"}},
    {"data", "data:\n\ndata\ndata\n\ndata:test\n\n", {"message:", "message:\n", "message:test"}},
    {"event empty", "event: \ndata:data\n\n", {"message:data"}},
    {"event", "event:test\ndata:x\n\ndata:x\n\n", {"test:x", "message:x"}},
    {"parsing",
     "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n"s,
     {"message:\0\n 2\n1\n3\n\n4"s}},
    {"leading space", "data:\ttest\rdata: \ndata:test\n\n", {"message:\ttest\n\ntest"}},
    {"newlines", "data:test\r\ndata\ndata:test\r\n\r", {"message:test\n\ntest"}},
    {"null", "data:\0\n\n\n\n"s, {"message:\0"s}},
    {"unknown",
     "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
     {"message:test\n\ntest"}},
    {"stocks", "data: YHOO\ndata: +2\ndata: 10\n\n", {"message:YHOO\n+2\n10"}},
    {"four blocks",
     ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
     {"message:first event", "message:second event"}},
    {"a space is left out", "data:test\n\ndata: test\n\n", {"message:test", "message:test"}},
};

TEST(EventStream, GivesWhatTheStandardSays) {
  for (const auto& row : kStreamRows) EXPECT_EQ(read_stream(row.bytes, {}).events, row.events) << row.name;
}

TEST(EventStream, GivesTheSameForEverySplit) {
  std::mt19937 random(26);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  const std::vector<std::string> parts{"data", ":", " ",   "\n",       "\r",    "\r\n", "id", "event",       "retry",
                                       "12",   "x", "\0"s, "\xC3\xA9", "data:", "\n\n", "{}", "\xEF\xBB\xBF"};
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes;
    for (std::size_t i = 0, n = below(40); i < n; ++i) bytes += parts[below(parts.size())];
    const Seen whole = read_stream(bytes, {}, 12);
    EXPECT_EQ(read_stream(bytes, {1}, 12), whole) << bytes;
    EXPECT_EQ(read_stream(bytes, {1 + below(5), 1 + below(5)}, 12), whole) << bytes;
  }
}

TEST(EventStream, TellsIdAndRetry) {
  EXPECT_EQ(read_stream("id: 7\ndata\n\nid: 8\n\n", {}).last_id, "8");
  EXPECT_EQ(read_stream("id: 7\n\nid: 8\n", {}).last_id, "7");
  EXPECT_EQ(read_stream("id: 7\n\nid\n\n", {}).last_id, "");
  EXPECT_EQ(read_stream("id: 7\n\nid: a\0b\n\n"s, {}).last_id, "7");
  EXPECT_EQ(read_stream("retry:3000\nretry:1000x\nretry: \nretry:-1\n", {}).retry, 3000ms);
  EXPECT_EQ(read_stream("retry:99999999999999999999999\n", {}).retry, std::chrono::milliseconds(24h));
}

TEST(EventStream, TellsOfWhatIsTooLongAndGoesOn) {
  const std::string row(100, 'x');
  EXPECT_THAT(read_stream("data:" + row + "\n\ndata:1\n\n", {7}, 50).events, ElementsAre("message:…", "message:1"));
  EXPECT_THAT(read_stream("data:" + row.substr(60) + "\ndata:" + row.substr(60) + "\n\ndata:1\n\n", {7}, 50).events,
              ElementsAre("message:…", "message:1"));
  EXPECT_THAT(read_stream(":" + row + "\nfoo:" + row + "\ndata:1\n\n", {7}, 50).events, ElementsAre("message:1"));
}

TEST(EventStream, StopsWhereNoMoreIsWanted) {
  int events = 0;
  EventStream stream(100, [&](const StreamEvent&) { return ++events < 2; });
  EXPECT_FALSE(stream.push("data:1\n\ndata:2\n\ndata:3\n\n"));
  EXPECT_FALSE(stream.push("data:4\n\n"));
  EXPECT_EQ(events, 2);
}

}  // namespace
}  // namespace llama::internal
