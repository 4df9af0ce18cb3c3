#include "plugin/delegate.h"

#include <cstdint>

#include "plugin/abi.h"

namespace ggml_packed {
namespace {

template <class Function>
Function proc(ggml_backend_t backend, const char* name) {
  ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
  return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(reg, name));
}

// Work for one thread: ggml's others would spin for a while after it, on the cores that ours need next.
bool is_small(const std::vector<ggml_tensor*>& nodes) {
  constexpr std::int64_t kElements = 1 << 17;
  std::int64_t elements = 0;
  for (const ggml_tensor* node : nodes) {
    const bool multiplies = node->op == GGML_OP_MUL_MAT || node->op == GGML_OP_MUL_MAT_ID ||
                            node->op == GGML_OP_FLASH_ATTN_EXT || node->op == GGML_OP_OUT_PROD;
    // What a result reads: a row of each operand, or of attention all positions.
    const std::int64_t reads = node->op == GGML_OP_FLASH_ATTN_EXT ? node->src[1]->ne[1]
                               : multiplies                       ? node->src[0]->ne[0]
                                                                  : 1;
    elements += ggml_nelements(node) * (reads / 8 + 1);
  }
  return elements < kElements;
}

}  // namespace

Delegate::Delegate() : backend_(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr)) {}

void Delegate::use_threads(int threads) {
  if (threads == set_) return;
  if (const auto set = proc<ggml_backend_set_n_threads_t>(backend_.get(), "ggml_backend_set_n_threads")) {
    set(backend_.get(), threads);
  }
  set_ = threads;
}

void Delegate::set_abort(ggml_abort_callback callback, void* data) {
  if (const auto set = proc<ggml_backend_set_abort_callback_t>(backend_.get(), "ggml_backend_set_abort_callback")) {
    set(backend_.get(), callback, data);
  }
}

enum ggml_status Delegate::flush() {
  if (waiting_.empty()) return GGML_STATUS_SUCCESS;
  if (!context_ || waiting_.size() > capacity_) {
    capacity_ = waiting_.size() * 2;
    context_.reset(ggml_init(
        {.mem_size = ggml_graph_overhead_custom(capacity_, false) + 1024, .mem_buffer = nullptr, .no_alloc = true}));
    if (!context_) return GGML_STATUS_ALLOC_FAILED;
  }
  ggml_reset(context_.get());
  ggml_cgraph* graph = ggml_new_graph_custom(context_.get(), capacity_, false);
  for (ggml_tensor* node : waiting_) ggml_graph_add_node(graph, node);
  use_threads(is_small(waiting_) ? 1 : threads_);
  passed_on_ += waiting_.size();
  waiting_.clear();
  return ggml_backend_graph_compute(backend_.get(), graph);
}

enum ggml_status Delegate::compute(ggml_cgraph* graph) {
  passed_on_ += static_cast<std::size_t>(ggml_graph_n_nodes(graph));
  use_threads(threads_);
  return ggml_backend_graph_compute(backend_.get(), graph);
}

}  // namespace ggml_packed
