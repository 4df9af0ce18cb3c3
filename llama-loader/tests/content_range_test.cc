#include "download/content_range.h"

#include <gtest/gtest.h>

namespace llama::internal {
namespace {

TEST(ContentRange, ReadsOnlyWhatMakesSense) {
  const auto range = parse_content_range("bytes 10-19/100");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->range, (ByteRange{10, 20}));
  EXPECT_EQ(range->total, 100u);
  EXPECT_EQ(parse_content_range("bytes 0-0/*")->total, std::nullopt);
  for (const char* bad :
       {"", "bytes", "bytes */100", "bytes 5-4/100", "bytes 0-100/100", "bytes a-b/c", "items 0-1/2", "bytes 0-1",
        "bytes 0-1/2x", "bytes 0-18446744073709551615/*", "bytes -1-2/3", "bytes 0-99999999999999999999/*"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(ContentRange, DecidesWhereABodyStarts) {
  struct Row {
    const char* what;
    HttpHead head;
    ByteRange asked;
    int start;  // -1: refused; -2: refused, and no ranges are to be had
  };
  using Headers = std::vector<HttpHeader>;
  const auto head = [](int status, Headers headers) {
    return HttpHead{.status = status, .headers = std::move(headers)};
  };
  constexpr std::uint64_t kSize = 100;
  for (const Row& row : {
           Row{"the part", head(206, {{"content-range", "bytes 10-19/100"}}), {10, 20}, 10},
           {"the part, total unknown", head(206, {{"content-range", "bytes 10-19/*"}}), {10, 20}, 10},
           {"the part as 200", head(200, {{"content-range", "bytes 10-19/100"}}), {10, 20}, 10},
           {"another part", head(206, {{"content-range", "bytes 0-19/100"}}), {10, 20}, -2},
           {"another part at the beginning", head(206, {{"content-range", "bytes 1-19/100"}}), {0, 20}, -1},
           {"another file", head(206, {{"content-range", "bytes 10-19/99"}}), {10, 20}, -1},
           {"no range", head(206, {}), {10, 20}, -2},
           {"no range at the beginning", head(206, {}), {0, 20}, -1},
           {"nonsense", head(206, {{"content-range", "pages 1-2/3"}}), {10, 20}, -2},
           {"the whole", head(200, {{"content-length", "100"}}), {0, 20}, 0},
           {"the whole, length unknown", head(200, {}), {0, 20}, 0},
           {"the whole for a part", head(200, {{"content-length", "100"}}), {10, 20}, -2},
           {"another file, whole", head(200, {{"content-length", "99"}}), {0, 20}, -1},
           {"compressed", head(200, {{"content-encoding", "gzip"}}), {0, 20}, -1},
           {"not compressed",
            head(206, {{"content-encoding", "identity"}, {"content-range", "bytes 0-19/100"}}),
            {0, 20},
            0},
       }) {
    const auto start = body_start(row.head, row.asked, kSize);
    EXPECT_EQ(start ? static_cast<int>(*start) : start.error().no_ranges ? -2 : -1, row.start) << row.what;
  }
}

}  // namespace
}  // namespace llama::internal
