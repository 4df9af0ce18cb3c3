#include "progress.h"

#include <gtest/gtest.h>

#include <thread>

namespace llama {
namespace {

using std::chrono::duration;

TEST(Progress, FormatsNumbersForPeople) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(format_duration(duration<double>(45.24)), "45.2s");
  EXPECT_EQ(format_duration(duration<double>(187)), "3m 07s");
  EXPECT_EQ(format_duration(duration<double>(7500)), "2h 05m");
  EXPECT_EQ(format_size(2'100'000), "2.1 MB");
}

TEST(Progress, ShowsTheBarAndTheTimeLeft) {
  EXPECT_EQ(progress_line("Progress", {.done = 500, .total = 1000U, .fraction = 0.5, .elapsed = duration<double>(10)}),
            "Progress: [██████████░░░░░░░░░░] 500/1,000 (50%) - 10.0s elapsed, 10.0s left");
  EXPECT_EQ(progress_line("Progress", {.done = 1000, .total = 1000U, .fraction = 1, .elapsed = duration<double>(45.2)}),
            "Progress: [████████████████████] 1,000/1,000 (100%) - 45.2s elapsed");
  EXPECT_EQ(
      progress_line("Progress", {.done = 7, .total = std::nullopt, .fraction = 1, .elapsed = duration<double>(1)}),
      "Progress: 7 texts - 1.0s elapsed");
  EXPECT_EQ(progress_line("Progress", {.done = 0, .total = 0U, .fraction = 1, .elapsed = duration<double>(0)}),
            "Progress: [████████████████████] 0/0 (100%) - 0.0s elapsed");
}

TEST(Progress, CountsTheTimeLeftByWhatRemains) {
  EXPECT_EQ(progress_line("Progress", {.done = 750,
                                       .total = 1000U,
                                       .fraction = 0.75,
                                       .elapsed = duration<double>(12),
                                       .fraction_before = 0.5,
                                       .elapsed_before = duration<double>(2)}),
            "Progress: [███████████████░░░░░] 750/1,000 (75%) - 12.0s elapsed, 10.0s left");
  EXPECT_EQ(progress_line("Progress", {.done = 500,
                                       .total = 1000U,
                                       .fraction = 0.5,
                                       .elapsed = duration<double>(2),
                                       .fraction_before = 0.5,
                                       .elapsed_before = duration<double>(2)}),
            "Progress: [██████████░░░░░░░░░░] 500/1,000 (50%) - 2.0s elapsed");
}

TEST(Progress, GoesOnFromWhatAnEarlierRunHasDone) {
  std::FILE* stream = std::tmpfile();
  {
    Progress progress(stream, true, "Progress", 1000, "rows");
    progress.go_on_from(500);
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(120));
      progress.update(i == 0 ? 10 : 600, i == 0 ? 0.01 : 0.6);
    }
  }
  EXPECT_EQ(std::fseek(stream, 0, SEEK_SET), 0);
  std::string shown(2000, '\0');
  shown.resize(std::fread(shown.data(), 1, shown.size(), stream));
  std::fclose(stream);
  EXPECT_TRUE(shown.contains("500/1,000 (50%)")) << shown;
  EXPECT_TRUE(shown.contains("600/1,000 (60%)")) << shown;
  EXPECT_FALSE(shown.contains(" 10/1,000")) << shown;
}

}  // namespace
}  // namespace llama
