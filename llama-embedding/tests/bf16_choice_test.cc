#include "bf16_choice.h"

#include <gtest/gtest.h>

namespace llama::internal {
namespace {

using std::chrono::milliseconds;
using Times = std::vector<std::chrono::nanoseconds>;

TEST(Bf16Choice, IsForQ80WhereOurKernelsAreMissedAndTheCpuHasBf16) {
  const Bf16Facts all{.wanted = true,
                      .kernels = "stock (it was not found)",
                      .weights = "bert 22M Q8_0",
                      .multiplies_bf16 = true,
                      .device = "CPU"};
  EXPECT_TRUE(may_use_bf16_copy(all));
  const auto with = [&](const auto& change) {
    Bf16Facts facts = all;
    change(facts);
    return may_use_bf16_copy(facts);
  };
  EXPECT_FALSE(with([](auto& f) { f.wanted = false; }));
  EXPECT_FALSE(with([](auto& f) { f.kernels = "stock"; }));  // asked for
  EXPECT_FALSE(with([](auto& f) { f.kernels = "packed, avx2"; }));
  EXPECT_FALSE(with([](auto& f) { f.weights = "bert 22M F16"; }));
  EXPECT_FALSE(with([](auto& f) { f.multiplies_bf16 = false; }));
  EXPECT_FALSE(with([](auto& f) { f.device = "Vulkan0"; }));
  EXPECT_FALSE(with([](auto& f) { f.device = "Vulkan0 (2 of 7 layers)"; }));
}

TEST(Bf16Choice, WantsTheCopyToBeClearlyFaster) {
  const Times hundred{milliseconds(100), milliseconds(101), milliseconds(900)};
  EXPECT_TRUE(copy_is_faster({.model = hundred, .copy = {milliseconds(50), milliseconds(50), milliseconds(700)}}));
  EXPECT_FALSE(copy_is_faster({.model = hundred, .copy = {milliseconds(95), milliseconds(95), milliseconds(95)}}));
  EXPECT_FALSE(copy_is_faster({.model = hundred, .copy = {milliseconds(150), milliseconds(10), milliseconds(150)}}));
  EXPECT_FALSE(copy_is_faster({}));
}

// A world in which everything that happens is written down.
struct FakeWorld {
  std::optional<std::int64_t> known;
  bool copy_fails = false, measure_fails = false;
  int copy_ms = 50;
  int copies = 0, measurements = 0, removals = 0;
  std::vector<std::string> said;
  // Not a model, but an address that is told from nothing.
  std::shared_ptr<const Model> model{reinterpret_cast<const Model*>(this), [](const Model*) {}};

  std::shared_ptr<const Model> choose() {
    return choose_bf16_copy({.recall = [&] { return known; },
                             .remember = [&](std::int64_t faster) { known = faster; },
                             .copy = [&] -> Result<std::shared_ptr<const Model>> {
                               ++copies;
                               if (copy_fails) return fail(ErrorCode::NoSpace, "the disk is full");
                               return model;
                             },
                             .measure = [&](const auto&) -> Result<Bf16Timings> {
                               ++measurements;
                               if (measure_fails) return fail(ErrorCode::OutOfMemory, "no memory");
                               return Bf16Timings{.model = Times(3, milliseconds(100)),
                                                  .copy = Times(3, milliseconds(copy_ms))};
                             },
                             .remove_copy = [&] { ++removals; },
                             .say = [&](std::string_view line) { said.emplace_back(line); }});
  }
};

TEST(Bf16Choice, MeasuresOnceAndRemembers) {
  FakeWorld world;
  EXPECT_EQ(world.choose(), world.model);
  EXPECT_EQ(world.known, 1);
  EXPECT_EQ(world.choose(), world.model);
  EXPECT_EQ(world.measurements, 1);
  EXPECT_EQ(world.removals, 0);
}

TEST(Bf16Choice, RemovesACopyThatIsNotFasterAndMakesNoOther) {
  FakeWorld world;
  world.copy_ms = 99;
  EXPECT_EQ(world.choose(), nullptr);
  EXPECT_EQ(world.known, 0);
  EXPECT_EQ(world.removals, 1);
  EXPECT_EQ(world.said.size(), 1u);
  EXPECT_EQ(world.choose(), nullptr);
  EXPECT_EQ(world.copies, 1);
}

TEST(Bf16Choice, GoesOnWithTheModelWhereAnythingFails) {
  FakeWorld full;
  full.copy_fails = true;
  EXPECT_EQ(full.choose(), nullptr);
  EXPECT_EQ(full.known, std::nullopt);
  EXPECT_EQ(full.said, std::vector<std::string>{"No BF16 copy is used: the disk is full"});
  FakeWorld broken;
  broken.measure_fails = true;
  EXPECT_EQ(broken.choose(), nullptr);
  EXPECT_EQ(broken.known, std::nullopt);
}

}  // namespace
}  // namespace llama::internal
