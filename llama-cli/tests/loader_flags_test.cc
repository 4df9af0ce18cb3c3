#include "loader_flags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "exit_status.h"

namespace llama {
namespace {

TEST(LoaderFlags, AreNamedWhereTheCacheHasNoRoom) {
  const Error full = with_flags({ErrorCode::NoSpace, "raise or lift the cache's limit"});
  EXPECT_EQ(loader_status(full.code), kOutputError);
  LoaderFlags flags;
  for (const std::string_view name : {"--cache-dir", "--cache-limit", "--no-cache-limit"}) {
    EXPECT_TRUE(full.message.contains(name)) << full.message;
    EXPECT_TRUE(std::ranges::contains(cache_flags(flags), name, &Flag::name)) << name;
  }
  EXPECT_EQ(with_flags({ErrorCode::Network, "the hub is away"}).message, "the hub is away");
}

}  // namespace
}  // namespace llama
