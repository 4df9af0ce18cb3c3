// All kernels, once for each target: one file, because parsing Highway costs as much as compiling a third of them.
#include "kernels/kernels.h"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/attention_kernels.h"
#include "kernels/row_kernels.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/attention-inl.h"
#include "kernels/matmul-inl.h"
#include "kernels/rows-inl.h"

#if HWY_ONCE
#include <hwy/targets.h>

namespace ggml_packed {
namespace {

// Of each target, the best one first.
#if HWY_ARCH_X86
constexpr std::span<const Kernels> kLevels[] = {N_AVX3_ZEN4::kLevels, N_AVX3_DL::kLevels, N_AVX2::kLevels};
constexpr const AttentionKernels* kAttention[] = {&N_AVX3_ZEN4::kAttention, &N_AVX3_DL::kAttention,
                                                  &N_AVX2::kAttention};
constexpr const RowKernels* kRows[] = {&N_AVX3_DL::kRows, &N_AVX2::kRows};
#elif HWY_TARGETS == (HWY_NEON_BF16 | HWY_NEON_WITHOUT_AES)
constexpr std::span<const Kernels> kLevels[] = {N_NEON_BF16::kLevels, N_NEON_WITHOUT_AES::kLevels};
constexpr const AttentionKernels* kAttention[] = {&N_NEON_BF16::kAttention, &N_NEON_WITHOUT_AES::kAttention};
constexpr const RowKernels* kRows[] = {&N_NEON_WITHOUT_AES::kRows};
#else
constexpr std::span<const Kernels> kLevels[] = {HWY_STATIC_NAMESPACE::kLevels};
constexpr const AttentionKernels* kAttention[] = {&HWY_STATIC_NAMESPACE::kAttention};
constexpr const RowKernels* kRows[] = {&HWY_STATIC_NAMESPACE::kRows};
#endif

bool is_on_this_cpu(std::int64_t target) {
  const std::int64_t here = hwy::SupportedTargets();
#if HWY_ARCH_X86
  // Highway gives AVX3_ZEN4 to AMD's only, for the sake of an instruction that we do not use.
  if (target == HWY_AVX3_ZEN4) return (here & HWY_AVX3_DL) != 0 && __builtin_cpu_supports("avx512bf16") != 0;
#endif
  return (here & target) != 0;
}

// The levels of this CPU up to the one that GGML_PACKED_LEVEL names, the best one first.
std::vector<const Kernels*> levels_of_this_cpu() {
  std::vector<const Kernels*> all;
  for (const std::span<const Kernels> levels : kLevels) {
    for (const Kernels& one : levels) {
      if (is_on_this_cpu(one.target) && one.is_here()) all.push_back(&one);
    }
  }
  const char* highest = std::getenv("GGML_PACKED_LEVEL");
  if (highest == nullptr || *highest == '\0') return all;
  return {std::ranges::find(all, std::string_view(highest), &Kernels::name), all.end()};
}

// A table that the level's CPUs have: the best of those for its target or less. A better target has a lower bit.
template <class Table, std::size_t Count>
const Table& best_for(const Kernels& level, const Table* const (&tables)[Count]) {
  return **std::ranges::find_if(tables, [&](const Table* one) { return one->target >= level.target; });
}

}  // namespace

const Kernels* kernels(const char* level) {
  static const auto known = levels_of_this_cpu();
  const auto found =
      level == nullptr ? known.begin() : std::ranges::find(known, std::string_view(level), &Kernels::name);
  return found == known.end() ? nullptr : *found;
}

std::vector<const char*> level_names() {
  std::vector<const char*> names;
  for (const std::span<const Kernels> levels : kLevels) {
    for (const Kernels& one : levels) names.push_back(one.name);
  }
  return names;
}

bool levels_are_measured() { return HWY_ARCH_X86 != 0; }

const AttentionKernels& attention_kernels(const Kernels& level) {
#if HWY_ARCH_X86
  if (level.has_tiles) return N_AVX3_ZEN4::kAttentionInTiles;
#endif
  return best_for(level, kAttention);
}
const RowKernels& row_kernels(const Kernels& level) { return best_for(level, kRows); }

}  // namespace ggml_packed
#endif
