#include "machine_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/tile_registers.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Level {
  const char* name;
  void (*work)(std::int64_t rounds);
  double operations_per_round;
};

// Twelve accumulators hide the latency: four cycles, two instructions a cycle, and some to spare.
constexpr int kAccumulators = 12;

#if defined(__x86_64__)

// The empty asm statements: the compiler must neither move a product out of the loop nor drop it.

__attribute__((target("avx512f"))) void f32_avx512(std::int64_t rounds) {
  __m512 sums[kAccumulators] = {};
  __m512 a = _mm512_set1_ps(1e-9F);
  const __m512 b = _mm512_set1_ps(1.0F);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+v"(a));
      sum = _mm512_fmadd_ps(a, b, sum);
    }
  }
  for (auto& sum : sums) asm volatile("" : "+v"(sum));
}

__attribute__((target("avx2,fma"))) void f32_avx2(std::int64_t rounds) {
  __m256 sums[kAccumulators] = {};
  __m256 a = _mm256_set1_ps(1e-9F);
  const __m256 b = _mm256_set1_ps(1.0F);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a));
      sum = _mm256_fmadd_ps(a, b, sum);
    }
  }
  for (auto& sum : sums) asm volatile("" : "+x"(sum));
}

__attribute__((target("avx512f,avx512bf16"))) void bf16_avx512(std::int64_t rounds) {
  __m512 sums[kAccumulators] = {};
  __m512i bits = _mm512_set1_epi16(0x3c00);
  const __m512i ones = _mm512_set1_epi16(0x3f80);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+v"(bits));
      sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(bits), reinterpret_cast<__m512bh>(ones));
    }
  }
  for (auto& sum : sums) asm volatile("" : "+v"(sum));
}

// Four tiles of sums and two of either factor, as a product has them. What is in them does not matter.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr int kRoundsOfTiles = 40;  // a product of tiles takes that many times as long as one of vectors
constexpr double kTileOperations = 4 * 2.0 * 16 * 16 * 32 / kRoundsOfTiles;

void bf16_tiles(std::int64_t rounds) {
  const TileShapes shapes;
  asm volatile("ldtilecfg %0" : : "m"(shapes));
  for (; rounds > 0; rounds -= kRoundsOfTiles) {
    asm volatile(
        "tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
        "tdpbf16ps %tmm6, %tmm5, %tmm2\n\ttdpbf16ps %tmm7, %tmm5, %tmm3");
  }
  asm volatile("tilerelease");
}

__attribute__((target("avx512f,avx512vnni"))) void int8_avx512_vnni(std::int64_t rounds) {
  __m512i sums[kAccumulators] = {};
  __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(-2);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+v"(a));
      sum = _mm512_dpbusd_epi32(sum, a, b);
    }
  }
  for (auto& sum : sums) asm volatile("" : "+v"(sum));
}

__attribute__((target("avx2,avxvnni"))) void int8_avx_vnni(std::int64_t rounds) {
  __m256i sums[kAccumulators] = {};
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a));
      sum = _mm256_dpbusd_avx_epi32(sum, a, b);
    }
  }
  for (auto& sum : sums) asm volatile("" : "+x"(sum));
}

__attribute__((target("avx2"))) void int8_avx2(std::int64_t rounds) {
  __m256i sums[kAccumulators] = {};
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  const __m256i ones = _mm256_set1_epi16(1);
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      asm volatile("" : "+x"(a));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (auto& sum : sums) asm volatile("" : "+x"(sum));
}

constexpr double operations(int bits, int element_bits) { return 2.0 * kAccumulators * bits / element_bits; }

Level f32_level() {
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", f32_avx512, operations(512, 32)};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"AVX2", f32_avx2, operations(256, 32)};
  return {};
}
Level bf16_level() {
  if (ggml_packed::has_tile_registers()) return {"AMX", bf16_tiles, kTileOperations};
  if (__builtin_cpu_supports("avx512bf16")) return {"AVX-512 BF16", bf16_avx512, operations(512, 16)};
  return {};
}
Level int8_level() {
  if (__builtin_cpu_supports("avx512vnni")) return {"AVX-512 VNNI", int8_avx512_vnni, operations(512, 8)};
  if (__builtin_cpu_supports("avxvnni")) return {"AVX-VNNI", int8_avx_vnni, operations(256, 8)};
  if (__builtin_cpu_supports("avx2")) return {"AVX2", int8_avx2, operations(256, 8)};
  return {};
}

#else  // other processors: nothing is measured

Level f32_level() { return {}; }
Level bf16_level() { return {}; }
Level int8_level() { return {}; }

#endif

Level level_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::F32:
      return f32_level();
    case Arithmetic::Bf16:
      return bf16_level();
    case Arithmetic::Int8:
      return int8_level();
  }
  return {};
}

// Operations per second of the best slice.
double best_slice(const Level& level, std::chrono::milliseconds time) {
  constexpr std::int64_t kRounds = 500'000;
  double best = 0;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    const auto began = Clock::now();
    level.work(kRounds);
    const std::chrono::duration<double> took = Clock::now() - began;
    best = std::max(best, level.operations_per_round * kRounds / took.count());
  }
  return best;
}

}  // namespace

std::optional<Peak> measure_peak(Arithmetic arithmetic, unsigned threads, std::chrono::milliseconds time) {
  const Level level = level_of(arithmetic);
  if (level.work == nullptr) return std::nullopt;
  std::vector<double> best(threads);
  {
    std::latch start(threads);
    std::vector<std::jthread> workers;
    for (auto& mine : best) {
      workers.emplace_back([&] {
        start.arrive_and_wait();
        mine = best_slice(level, time);
      });
    }
  }
  Peak peak{.level = level.name};
  for (const double one : best) peak.operations_per_second += one;
  return peak;
}

}  // namespace bench
