#include "plugin_path.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace llama::internal {
namespace {

TEST(BackEnds, AreFoundByTheirNamesInAFolder) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "back ends";
  fs::create_directories(folder);
  std::ofstream(folder / "libggml-base.so");
  EXPECT_FALSE(holds_back_ends(folder));
  std::ofstream(folder / "libggml-cpu-haswell.so");
  EXPECT_TRUE(holds_back_ends(folder));
  EXPECT_FALSE(holds_back_ends(folder / "none"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace llama::internal
