#include "llama-loader/retry.h"

#include <gtest/gtest.h>

#include <utility>

namespace llama {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Retry, DoublesTheBoundUpToTheLargest) {
  const RetryConfig config;
  for (const auto& [retry, bound] :
       {std::pair(0, 1000), {1, 2000}, {2, 4000}, {4, 16000}, {5, 30000}, {60, 30000}, {5000, 30000}}) {
    EXPECT_EQ(retry_delay(config, retry, 0.5), milliseconds(bound / 2)) << retry;
    EXPECT_EQ(retry_delay(config, retry, 0.0), milliseconds(0)) << retry;
  }
}

TEST(Retry, WaitsTheWholeBoundWithoutJitter) { EXPECT_EQ(retry_delay({.jitter = false}, 1, 0.1), milliseconds(2000)); }

TEST(Retry, HonoursTheServersWishUpToALimit) {
  const RetryConfig config;
  EXPECT_EQ(retry_delay(config, 0, 0.0, seconds(7)), milliseconds(7000));
  EXPECT_EQ(retry_delay(config, 0, 0.5, seconds(7)), milliseconds(7500));
  EXPECT_EQ(retry_delay(config, 3, 0.5, seconds(1)), milliseconds(5000));
  EXPECT_EQ(retry_delay(config, 0, 0.0, seconds(330)), milliseconds(330'000));
  EXPECT_EQ(retry_delay(config, 0, 0.0, seconds(331)), std::nullopt);
}

TEST(Retry, KnowsTransientStatuses) {
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(is_transient_status(status)) << status;
  for (const int status : {200, 301, 400, 401, 403, 404, 416, 501, 505})
    EXPECT_FALSE(is_transient_status(status)) << status;
}

TEST(Retry, ReadsWhatServersAskFor) {
  struct Row {
    const char *retry_after, *rate_limit;
    int wish;  // seconds; 0: none
  };
  constexpr std::int64_t kNow = 1'445'412'480;  // Wed, 21 Oct 2015 07:28:00 GMT
  for (const Row& row : {Row{"", "", 0},
                         {"120", "", 120},
                         {" 5 ", "", 5},
                         {"0", "", 0},
                         {"-3", "", 0},
                         {"soon", "", 0},
                         {"5x", "", 0},
                         {"Wed, 21 Oct 2015 07:29:00 GMT", "", 60},
                         {"Wed, 21 Oct 2015 07:27:00 GMT", "", 0},
                         {"", "\"resolvers\";r=0;t=55", 55},
                         {"", "\"resolvers\";r=12;t=55", 0},
                         {"", "\"api\"; r=0; t=9", 9},
                         {"", "r=0;t=55", 0},
                         {"", "\"x\";r=0", 0},
                         {"", ";;;", 0},
                         {"10", "\"resolvers\";r=0;t=55", 55},
                         {"60", "\"resolvers\";r=0;t=55", 60}}) {
    const auto wish = server_wish(row.retry_after, row.rate_limit, "", kNow);
    EXPECT_EQ(wish.value_or(seconds(0)).count(), row.wish) << row.retry_after << " | " << row.rate_limit;
  }
  EXPECT_GT(server_wish("99999999999999999999999", "", "", kNow).value(), seconds(1'000'000'000));
  EXPECT_EQ(server_wish("Wed, 21 Oct 2015 07:28:00 GMT", "", "Wed, 21 Oct 2015 07:27:30 GMT", kNow), seconds(30))
      << "by the server's clock";
}

}  // namespace
}  // namespace llama
