// A test that runs once for each level of kernels.
//
//     class KernelsTest : public LevelTest {};
//     TEST_P(KernelsTest, …) { … kernels_ … }
//     INSTANTIATE_TEST_SUITE_P(Levels, KernelsTest, kLevels, level_name);
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kernels/kernels.h"

namespace ggml_packed {

class LevelTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    kernels_ = kernels(GetParam());
    if (kernels_ == nullptr) GTEST_SKIP() << "this CPU has no " << GetParam();
  }
  const Kernels* kernels_ = nullptr;
};

// All that were compiled for this kind of CPU; a test skips those that this one lacks.
inline const auto kLevels = testing::ValuesIn(level_names());
inline std::string level_name(const testing::TestParamInfo<const char*>& level) {
  std::string name = level.param;
  std::erase(name, '-');
  return name;
}

}  // namespace ggml_packed
