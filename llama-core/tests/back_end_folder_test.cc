#include "back_end_folder.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

// A folder of a test's own, with empty files.
class BackEnds : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::path(::testing::TempDir()) / "back ends XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  void add(const char* name) const { std::ofstream(folder_ / name); }
  // The real back ends, by links.
  [[nodiscard]] bool add_real() const {
    const auto real = find_back_ends();
    if (!real) return false;
    for (const auto& entry : fs::directory_iterator(*real)) {
      if (entry.path().filename().string().starts_with("libggml-cpu-"))
        fs::create_symlink(entry.path(), folder_ / entry.path().filename());
    }
    return true;
  }

  fs::path folder_;
};

int score_of(const fs::path& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return 0;
  const auto score = reinterpret_cast<int (*)()>(dlsym(handle, "ggml_backend_score"));
  const int value = score != nullptr ? score() : 0;
  dlclose(handle);
  return value;
}

TEST_F(BackEnds, AreFoundByTheirNamesInAFolder) {
  add("libggml-base.so");
  EXPECT_FALSE(holds_back_ends(folder_));
  add("libggml-cpu-haswell.so");
  EXPECT_TRUE(holds_back_ends(folder_));
  EXPECT_FALSE(holds_back_ends(folder_ / "none"));
}

TEST_F(BackEnds, OfThisCpuIsTheOneThatGgmlWouldChoose) {
  if (!add_real()) GTEST_SKIP() << "ggml's back ends lie where only ggml knows";
#ifndef __x86_64__
  EXPECT_EQ(choose_cpu_back_end(folder_), std::nullopt);
#else
  while (const auto chosen = choose_cpu_back_end(folder_)) {
    int best = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) best = std::max(best, score_of(entry.path()));
    EXPECT_EQ(score_of(*chosen), best) << *chosen;
    fs::remove(*chosen);  // as on a CPU of a lower level
  }
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(score_of(entry.path()), 0) << entry.path();
#endif
}

TEST_F(BackEnds, ThatCannotBeOpenedArePassedOver) {
  if (!add_real()) GTEST_SKIP() << "ggml's back ends lie where only ggml knows";
  const auto chosen = choose_cpu_back_end(folder_);
  if (!chosen) GTEST_SKIP() << "none is chosen here";
  fs::remove(*chosen);
  std::ofstream(*chosen) << "no library";
  const auto next = choose_cpu_back_end(folder_);
  ASSERT_TRUE(next);
  EXPECT_NE(*next, *chosen);
}

TEST_F(BackEnds, AreLeftToGgmlWhereThereAreOthers) {
  EXPECT_EQ(choose_cpu_back_end(folder_), std::nullopt);
  if (!add_real()) GTEST_SKIP() << "ggml's back ends lie where only ggml knows";
  const auto chosen = choose_cpu_back_end(folder_);
  if (!chosen) GTEST_SKIP() << "none is chosen here";
  for (const char* other : {"libggml-vulkan.so", "libggml-cpu.so", "libggml-cpu-someday.so"}) {
    add(other);
    EXPECT_EQ(choose_cpu_back_end(folder_), std::nullopt) << other;
    fs::remove(folder_ / other);
  }
  for (const char* neutral : {"libggml-base.so", "libggml-base.so.0", "libggml.so", "libduckdb.so"}) add(neutral);
  EXPECT_EQ(choose_cpu_back_end(folder_), chosen);
}

}  // namespace
}  // namespace llama::internal
