// The levels of CPU that the kernels are compiled for: AVX2, AVX-512 with VNNI, AVX-512 with BF16, and the compiler's
// baseline (which is never chosen on x86). To be included before any header of Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX10_2)
