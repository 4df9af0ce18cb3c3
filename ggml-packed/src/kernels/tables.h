// Choose among what was compiled for several levels of CPU.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/targets.h"

#include <hwy/targets.h>

namespace ggml_packed {

// What `get`, a dynamic dispatch of Highway's, returns for each level that this CPU has: the best one first.
// Threads  one at a time; called before anything else is dispatched.
template <class Get>
auto tables_of_this_cpu(const Get& get) {
  std::vector<decltype(get())> tables;
  std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS;
#if HWY_ARCH_X86
  left &= HWY_AVX2 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR;
#endif
  while (left != 0) {
    const std::int64_t best = left & -left;  // a better level has a lower bit
    left &= left - 1;
    hwy::GetChosenTarget().Update(best);
    tables.push_back(get());
  }
  hwy::GetChosenTarget().DeInit();
  return tables;
}

}  // namespace ggml_packed
