// Compute a graph: the operations that we have kernels for ourselves, runs of others through ggml's CPU back end.
//
// Threads  one at a time; any number of executors.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>

#include <memory>

#include "format/weight_cache.h"
#include "kernels/kernels.h"
#include "ops/attention.h"
#include "ops/experts.h"
#include "ops/matmul.h"
#include "ops/rope.h"
#include "plugin/delegate.h"
#include "plugin/graph_view.h"
#include "plugin/needed_rows.h"
#include "plugin/thread_team.h"
#include "plugin/trimmed_graph.h"

namespace ggml_packed {

class Executor {
 public:
  struct Rules {
    bool always = false;  // compute a few tokens ourselves too: a text's vector must not depend on what is beside it
    bool widen = false;   // Matmul's: for contexts that compute many tokens at a time; one waits for weights' bytes
    bool few_passes = false;  // are expected: WeightCache::expect_few_passes()
    Reads reads = Reads::Everything;
  };
  explicit Executor(const Kernels& kernels, const Rules& rules);
  explicit Executor(const Kernels& kernels) : Executor(kernels, Rules{}) {}
  [[nodiscard]] bool is_usable() const { return delegate_.is_usable(); }

  void set_threads(int threads);
  void set_abort(ggml_abort_callback callback, void* data);
  [[nodiscard]] enum ggml_status compute(ggml_cgraph* graph);
  // The same by ggml alone.
  [[nodiscard]] enum ggml_status pass_on(ggml_cgraph* graph);
  // How many nodes of the last graph were ggml's.
  [[nodiscard]] std::size_t passed_on() const { return delegate_.passed_on(); }

 private:
  [[nodiscard]] bool is_worth_it(ggml_cgraph* graph) const;
  // Each returns how many nodes from i on it computed; 0: none of its business.
  std::size_t matrix_product(const GraphView& graph, std::size_t i);
  std::size_t norm(const GraphView& graph, std::size_t i);
  std::size_t one_node(ggml_tensor* node, const SomeQueries* queries);
  void leave_to_ggml(ggml_tensor* node, TrimmedGraph& graph);
  [[nodiscard]] bool aborted() const { return abort_ != nullptr && abort_(abort_data_); }

  const Kernels& kernels_;
  bool always_;
  Reads reads_;
  std::unique_ptr<ThreadTeam> team_;
  Delegate delegate_;
  WeightCache weights_;
  Matmul matmul_;
  Experts experts_;
  Attention attention_;
  Rope rope_;
  ggml_abort_callback abort_ = nullptr;
  void* abort_data_ = nullptr;
  enum ggml_status status_ = GGML_STATUS_SUCCESS;
};

}  // namespace ggml_packed
