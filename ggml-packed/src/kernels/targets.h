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
#elif defined(__aarch64__)
// On arm64 that is NEON, which all of its CPUs have, and NEON with bfloat16. What lies between them (products of fours,
// of matrices) is no target of Highway's: it is one instruction, and its level asks for it. The better target is called
// the baseline, because Highway compiles that one last, after the one whose kernels it uses.
#define HWY_BASELINE_TARGETS (HWY_NEON_WITHOUT_AES | HWY_NEON_BF16)
#define HWY_DISABLED_TARGETS (HWY_NEON | HWY_ALL_SVE | HWY_EMU128 | HWY_SCALAR)
#define HWY_COMPILE_ALL_ATTAINABLE
#else
// Elsewhere what the compiler may always use: right, but neither tuned nor measured (levels_are_measured()).
#define HWY_COMPILE_ONLY_STATIC
#endif

// Is the target that is being compiled another one with bfloat16? Then only what has bfloat16 is compiled for it:
// AVX3_ZEN4 adds to AVX3_DL, NEON_BF16 to NEON.
#define GGML_PACKED_ADDS_BF16 (HWY_TARGET == HWY_AVX3_ZEN4 || HWY_TARGET == HWY_NEON_BF16)

// NEON of arm64, to which levels add an instruction each; on 32 bits there are none.
#define GGML_PACKED_IS_NEON (HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON_WITHOUT_AES)
