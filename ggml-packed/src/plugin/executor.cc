#include "plugin/executor.h"

#include <algorithm>

#include "format/weight_format.h"
#include "kernels/row_kernels.h"
#include "ops/activation.h"
#include "ops/elementwise.h"
#include "ops/movement.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

// What else `node` reads, where one of its operands is `known`; nullptr: it reads it twice, or not at all.
const ggml_tensor* other_operand(const ggml_tensor& node, const ggml_tensor* known) {
  if ((node.src[0] == known) == (node.src[1] == known)) return nullptr;
  return node.src[0] == known ? node.src[1] : node.src[0];
}

}  // namespace

Executor::Executor(const Kernels& kernels, const Rules& rules)
    : kernels_(kernels),
      always_(rules.always),
      reads_(rules.reads),
      team_(std::make_unique<ThreadTeam>(1)),
      matmul_(kernels, weights_, rules.widen),
      experts_(kernels, weights_),
      attention_(kernels),
      rope_(kernels) {
  if (rules.few_passes) weights_.expect_few_passes();
}

void Executor::set_threads(int threads) {
  if (threads != team_->threads()) team_ = std::make_unique<ThreadTeam>(threads);
  delegate_.set_threads(threads);
}

void Executor::set_abort(ggml_abort_callback callback, void* data) {
  abort_ = callback;
  abort_data_ = data;
  delegate_.set_abort(callback, data);
}

// A reply's next token mostly waits for weights to come from memory: where most of them are ggml's, or would be larger
// packed, ours are no faster.
bool Executor::is_worth_it(ggml_cgraph* graph) const {
  constexpr std::int64_t kFewTokens = 8;
  std::int64_t ours = 0, cheap = 0, all = 0, tokens = 0;
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    const ggml_tensor* node = ggml_graph_node(graph, i);
    const bool of_experts = node->op == GGML_OP_MUL_MAT_ID;
    if (node->op != GGML_OP_MUL_MAT && !of_experts) continue;
    const std::int64_t work = ggml_nelements(node) * node->src[0]->ne[0];  // of experts those that are asked
    all += work;
    if (!matmul_.takes(*node) && !experts_.takes(*node)) continue;
    ours += work;
    if (is_packed_without_growing(node->src[0]->type)) cheap += work;
    tokens = std::max(tokens, node->ne[of_experts ? 2 : 1]);
  }
  return ours > 0 && (always_ || tokens >= kFewTokens || cheap * 2 > all);
}

enum ggml_status Executor::pass_on(ggml_cgraph* graph) {
  delegate_.begin_graph();
  return delegate_.compute(graph);
}

enum ggml_status Executor::compute(ggml_cgraph* whole) {
  if (!is_worth_it(whole)) return pass_on(whole);

  delegate_.begin_graph();
  TrimmedGraph trimmed(whole, reads_);
  const GraphView graph(trimmed.nodes());
  matmul_.begin_graph();
  experts_.begin_graph();
  attention_.begin_graph();
  rope_.begin_graph();
  status_ = GGML_STATUS_SUCCESS;
  for (std::size_t i = 0; i < graph.size();) {
    if (aborted()) {
      delegate_.forget();
      return GGML_STATUS_ABORTED;
    }
    std::size_t done = matrix_product(graph, i);
    if (done == 0) done = norm(graph, i);
    if (done == 0) done = one_node(graph[i], trimmed.queries(*graph[i]));
    if (done == 0) {
      leave_to_ggml(graph[i], trimmed);
      done = 1;
    }
    if (status_ != GGML_STATUS_SUCCESS) {
      delegate_.forget();
      return status_;
    }
    i += done;
  }
  return delegate_.flush();
}

void Executor::leave_to_ggml(ggml_tensor* node, TrimmedGraph& graph) {
  if (graph.queries(*node) != nullptr) {
    status_ = delegate_.flush();  // which may compute the mask
    if (status_ != GGML_STATUS_SUCCESS) return;
    node = graph.with_own_mask(*node);
  }
  delegate_.add(node);
}

// MUL_MAT or MUL_MAT_ID, and of these what follows and is the only reader of its result: a bias, an activation, a gate,
// a sum. They are applied to a tile of results before it is stored, while it is in registers: memory is written once
// instead of up to four times. Each may come once and only in the order of Epilogue; anything else ends the chain. An
// operand may share its memory with the result only where each of its values is read before that place is written
// (can_write_over()). Costs a look at the next node per fused operation.
std::size_t Executor::matrix_product(const GraphView& graph, std::size_t i) {
  const ggml_tensor* product = graph[i];
  const bool of_experts = experts_.takes(*product);
  if (!of_experts && !matmul_.takes(*product)) return 0;
  const ggml_tensor *result = product, *bias = nullptr, *factor = nullptr;
  // What was read before `next` may have lent it its memory; fused, both are in use at once.
  const auto spares = [](const ggml_tensor& next, const ggml_tensor* operand) {
    return operand == nullptr || can_write_over(next, *operand);
  };
  Epilogue epilogue;
  std::size_t done = 1;
  for (; const ggml_tensor* next = graph.only_reader(i + done - 1); ++done) {
    if (!is_dense_f32(*next) || !ggml_are_same_shape(next, product)) break;
    if (!spares(*next, bias) || !spares(*next, factor)) break;
    const ggml_tensor* other = other_operand(*next, result);
    const bool activated = epilogue.activation != Activation::None || epilogue.factor != nullptr;
    if (next->op == GGML_OP_ADD && other != nullptr && !activated && epilogue.bias == nullptr &&
        epilogue.addend == nullptr && is_f32_vector(*other, product->ne[0]) && can_write_over(*next, *other)) {
      bias = other;
      epilogue.bias = floats(*other);
    } else if (next->op == GGML_OP_ADD && other != nullptr && epilogue.addend == nullptr && is_dense_f32(*other) &&
               ggml_are_same_shape(other, product) && can_write_over(*next, *other)) {
      epilogue.addend = floats(*other);
      epilogue.addend_stride = static_cast<std::size_t>(product->ne[0]);
    } else if (const auto activation = activation_of(*next);
               activation && next->op == GGML_OP_UNARY && !activated && epilogue.addend == nullptr) {
      epilogue.activation = *activation;
    } else if (activation && next->op == GGML_OP_GLU && other != nullptr && !activated && epilogue.addend == nullptr &&
               is_dense_f32(*other) && ggml_are_same_shape(other, product) && can_write_over(*next, *other)) {
      factor = other;
      epilogue.factor = floats(*other);
      epilogue.factor_stride = static_cast<std::size_t>(product->ne[0]);
      (next->src[0] == result ? epilogue.activation : epilogue.factor_activation) = *activation;
    } else {
      break;
    }
    result = next;
    if (epilogue.addend != nullptr) {  // nothing is known to come after a sum
      ++done;
      break;
    }
  }
  status_ = delegate_.flush();
  if (status_ != GGML_STATUS_SUCCESS) return done;
  const bool computed = of_experts ? experts_.compute(*product, *result, epilogue, *team_)
                                   : matmul_.compute(*product, *result, epilogue, *team_);
  return computed ? done : 0;  // no memory to pack it: ggml computes it
}

// NORM or RMS_NORM, with weights and bias after it.
std::size_t Executor::norm(const GraphView& graph, std::size_t i) {
  const ggml_tensor* node = graph[i];
  const bool rms = node->op == GGML_OP_RMS_NORM;
  if ((!rms && node->op != GGML_OP_NORM) || !has_f32_rows(*node->src[0])) return 0;
  const ggml_tensor* result = node;
  const float *weights = nullptr, *bias = nullptr;
  std::size_t done = 1;
  for (; const ggml_tensor* next = graph.only_reader(i + done - 1); ++done) {
    const ggml_tensor* other = other_operand(*next, result);
    if (other == nullptr || !is_f32_vector(*other, node->ne[0]) || !ggml_are_same_shape(next, node)) break;
    if (next->op == GGML_OP_MUL && weights == nullptr && bias == nullptr) {
      weights = floats(*other);
    } else if (next->op == GGML_OP_ADD && bias == nullptr && !rms) {
      bias = floats(*other);
    } else {
      break;
    }
    result = next;
  }
  const ggml_tensor& x = *node->src[0];
  if (!is_dense_f32(*result) || !can_write_over(*result, x)) return 0;
  status_ = delegate_.flush();
  if (status_ != GGML_STATUS_SUCCESS) return done;
  const RowKernels& rows = row_kernels(kernels_);
  const auto width = static_cast<std::size_t>(x.ne[0]);
  const float epsilon = float_parameter(*node, 0);
  team_->for_ranges(static_cast<std::size_t>(ggml_nrows(&x)), 8, [&](std::size_t begin, std::size_t end) {
    RowWalk row(x, begin);
    float* to = floats(*result) + begin * width;
    for (std::size_t r = begin; r < end; ++r, ++row, to += width) {
      const auto* from = reinterpret_cast<const float*>(*row);
      if (rms) {
        rows.rms_norm(from, width, epsilon, weights, to);
      } else {
        rows.layer_norm(from, width, epsilon, weights, bias, to);
      }
    }
  });
  return done;
}

std::size_t Executor::one_node(ggml_tensor* node, const SomeQueries* queries) {
  const bool rope = Rope::takes(*node), moves = only_moves(*node), attends = attention_.takes(*node);
  const bool elementwise = is_elementwise(*node);
  if (!rope && !moves && !attends && !elementwise) return 0;
  status_ = delegate_.flush();
  if (status_ != GGML_STATUS_SUCCESS) return 1;
  const RowKernels& rows = row_kernels(kernels_);
  if (rope) rope_.compute(*node, *team_);
  if (node->op == GGML_OP_GET_ROWS && is_weight_in_host_memory(*node->src[0])) weights_.read_in_place(*node->src[0]);
  if (moves) move_values(*node, rows, *team_);
  if (elementwise) compute_elementwise(*node, rows, *team_);
  return !attends || attention_.compute(*node, queries, *team_) ? 1 : 0;
}

}  // namespace ggml_packed
