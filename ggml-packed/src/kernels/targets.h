// The targets of Highway's that the kernels are compiled for. To be included before any header of Highway.
//
// Highway includes the kernels once for each target, and parsing its AVX-512 operations costs most of a second each
// time: only what can be chosen is compiled. On x86 that is AVX2, AVX-512 with VNNI (AVX3_DL), and AVX-512 with BF16
// besides (AVX3_ZEN4, which AMD's Zen 4 was the first to have; Intel's have it too, is_on_this_cpu()). AVX2 is called
// the baseline, so that nothing is compiled for less, although the program runs without it: then nothing is chosen.
#pragma once

#if defined(__x86_64__)
#define HWY_BASELINE_TARGETS HWY_AVX2
#define HWY_DISABLED_TARGETS (HWY_AVX3 | HWY_AVX3_SPR | HWY_AVX10_2)
#else
// Elsewhere what the compiler may always use: right, but neither tuned nor measured (levels_are_measured()).
#define HWY_COMPILE_ONLY_STATIC
#endif
