// Choose what computes the models' products of matrices: our own kernels, or ggml's.
//
// Our kernels are a plug-in of ggml's (libggml-packed) that packs a model's weights once per context; ggml's compute
// from the file as it is. The vectors are the same within the accuracy of the weights' type.
//
// Threads  any. A choice holds for contexts that are made after it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// name     "auto" (the best that the CPU can do, or what was measured to be faster; ggml's where ours were never
//          measured: on arm64), "stock" (ggml's), or a level, as kernel_levels() names them.
// Errors   InvalidArgument: no such name, a level that this CPU lacks, or a plug-in that cannot be loaded.
[[nodiscard]] Result<void> choose_kernels(std::string_view name);

// The levels that our kernels were compiled for, whether this CPU has them or not, the best one first: "amx-bf16" to
// "avx2"; "neon-bf16" to "neon" on arm64; "other" elsewhere. {} where our kernels cannot be used.
[[nodiscard]] std::vector<std::string> kernel_levels();

// "packed, avx512-bf16", "stock", or "stock (why)" where our own were wanted: for people and for provenance.
[[nodiscard]] std::string kernels_in_use();

// A level that this CPU has, and how fast it is here.
struct KernelSpeed {
  std::string name;
  double giga_operations = 0;  // a second, of one thread, on products that fit into a core's cache
};

// Measured now, in about 10 ms a level; the highest level first. {} where our kernels cannot be used,
// and where they were never compared with ggml's.
[[nodiscard]] std::vector<KernelSpeed> measure_kernels();

// The fastest; where a lower level is ahead by less than a tenth, the higher one. "" of none.
[[nodiscard]] std::string fastest_kernels(std::span<const KernelSpeed> measured);

// Has nobody chosen anything but "auto"? Then a measurement may choose.
[[nodiscard]] bool kernels_are_automatic();

namespace internal {
// A level that was measured to be the fastest: "auto" from now on.
void use_measured_kernels(std::string_view name);
void load_kernels();  // once, after ggml's own back ends

// Of a context on the CPU. What nobody reads need not be computed.
enum class ResultsRead : std::uint8_t {
  Everything,  // who knows
  Outputs,     // what llama.cpp marks as outputs: logits and vectors of the tokens that were asked for
  Pooled,      // a vector for each sequence, not for each token
};

struct KernelRules {
  // A few tokens are computed with our kernels too, even where ggml's are as fast: a text's vector must not depend on
  // how many others are computed with it.
  bool small_batches_too = false;
  // A few passes are expected: weights are packed for each and forgotten, and kept only when there were more.
  bool few_passes = false;
  ResultsRead reads = ResultsRead::Everything;
};

// Contexts that this thread makes while it lives follow them.
class WithKernelRules {
 public:
  explicit WithKernelRules(KernelRules rules);
  ~WithKernelRules();
  WithKernelRules(const WithKernelRules&) = delete;
  WithKernelRules& operator=(const WithKernelRules&) = delete;
};
}  // namespace internal
}  // namespace llama
