// Measure what this machine's cores can do at most, as one JSON object: peak [THREADS]
//
// Units    GFLOPS and GOPS, a multiplication and an addition being two; the sum over the threads.
// Method   multiply-add instructions on registers alone, in slices of a few milliseconds; each thread's best slice
//          counts, so that another process on the same cores disturbs little.
// Levels   the best that the CPU has: f32 AVX-512 or AVX2; bf16 AVX-512; int8 AVX-512 VNNI, AVX-VNNI, or AVX2's
//          maddubs, madd and add. What it does not have is null.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <nlohmann/json.hpp>
#include <print>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

// Operations per second of the best slice.
double best_slice(const Level& level) {
  constexpr std::int64_t kRounds = 500'000;
  double best = 0;
  for (const auto end = Clock::now() + std::chrono::milliseconds(700); Clock::now() < end;) {
    const auto began = Clock::now();
    level.work(kRounds);
    const std::chrono::duration<double> took = Clock::now() - began;
    best = std::max(best, level.operations_per_round * kRounds / took.count());
  }
  return best;
}

nlohmann::json measure(const Level& level, unsigned threads) {
  if (level.work == nullptr) return nullptr;
  std::vector<double> best(threads);
  {
    std::latch start(threads);
    std::vector<std::jthread> workers;
    for (auto& mine : best) {
      workers.emplace_back([&] {
        start.arrive_and_wait();
        mine = best_slice(level);
      });
    }
  }
  double sum = 0;
  for (const double one : best) sum += one;
  return {{"level", level.name}, {"giga", std::lround(sum / 1e9)}};
}

}  // namespace

int main(int argc, char** argv) {
  const long wanted = argc > 1 ? std::strtol(argv[1], nullptr, 10) : std::thread::hardware_concurrency();
  const auto threads = static_cast<unsigned>(std::clamp(wanted, 1L, 1024L));
  const nlohmann::json peaks = {{"threads", threads},
                                {"f32", measure(f32_level(), threads)},
                                {"bf16", measure(bf16_level(), threads)},
                                {"int8", measure(int8_level(), threads)}};
  std::println("{}", peaks.dump());
}
