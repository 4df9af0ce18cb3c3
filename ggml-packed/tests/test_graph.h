// A small graph with weights, computed by ggml's CPU back end or by ours.
#pragma once

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "plugin/executor.h"

namespace ggml_packed {

// ggml's back ends; of its CPU's variants the one that our results can be compared with (CMakeLists.txt), or its best.
inline bool load_backends() {
#ifdef GGML_CPU_TO_COMPARE_WITH
  return ggml_backend_load(GGML_CPU_TO_COMPARE_WITH) != nullptr;
#else
  ggml_backend_load_all();
  return true;
#endif
}

class TestGraph {
 public:
  TestGraph() {
    static const bool loaded = load_backends();
    (void)loaded;
    const ggml_init_params params{.mem_size = ggml_tensor_overhead() * 200, .mem_buffer = nullptr, .no_alloc = true};
    weights_.reset(ggml_init(params));
    values_.reset(ggml_init(
        {.mem_size = ggml_tensor_overhead() * 500 + ggml_graph_overhead(), .mem_buffer = nullptr, .no_alloc = true}));
  }

  ggml_context* graph_context() { return values_.get(); }
  ggml_tensor* weight(ggml_type type, std::int64_t columns, std::int64_t rows) {
    return fills_.emplace_back(rows == 0 ? ggml_new_tensor_1d(weights_.get(), type, columns)
                                         : ggml_new_tensor_2d(weights_.get(), type, columns, rows));
  }
  ggml_tensor* experts(ggml_type type, std::int64_t columns, std::int64_t rows, std::int64_t count) {
    return fills_.emplace_back(ggml_new_tensor_3d(weights_.get(), type, columns, rows, count));
  }
  // Filled with random values; set others after allocate().
  ggml_tensor* input(std::int64_t n0, std::int64_t n1, std::int64_t n2 = 1, ggml_type type = GGML_TYPE_F32) {
    ggml_tensor* t = ggml_new_tensor_3d(values_.get(), type, n0, n1, n2);
    ggml_set_input(t);
    inputs_.push_back(t);
    return t;
  }

  void allocate(ggml_tensor* result) {
    result_ = result;
    ggml_set_output(result);
    graph_ = ggml_new_graph(values_.get());
    ggml_build_forward_expand(graph_, result);
    weight_buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(weights_.get(), ggml_backend_cpu_buffer_type()));
    if (weight_buffer_) ggml_backend_buffer_set_usage(weight_buffer_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    allocator_.reset(ggml_gallocr_new(ggml_backend_cpu_buffer_type()));
    ggml_gallocr_alloc_graph(allocator_.get(), graph_);
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (auto* list : {&fills_, &inputs_}) {
      for (ggml_tensor* t : *list) {
        if (t->type == GGML_TYPE_I32 || t->type == GGML_TYPE_I64) continue;
        std::vector<float> values(static_cast<std::size_t>(ggml_nelements(t)));
        for (float& v : values) v = normal(random);
        set(t, values);
      }
    }
  }
  // Kept: a graph may write over its inputs, so they are set again before each computation.
  void set(ggml_tensor* t, const std::vector<float>& values) {
    std::vector<std::byte> bytes(ggml_nbytes(t));
    if (t->type == GGML_TYPE_F32) {
      std::memcpy(bytes.data(), values.data(), bytes.size());
    } else {
      ggml_quantize_chunk(t->type, values.data(), bytes.data(), 0, ggml_nrows(t), t->ne[0], nullptr);
    }
    contents_[t] = std::move(bytes);
  }
  template <class Integer>
  void set(ggml_tensor* t, const std::vector<Integer>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    contents_[t].assign(bytes.begin(), bytes.end());
  }

  std::vector<float> compute_by_ggml() {
    ggml_backend_t cpu = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
    auto computed = compute_by(cpu);
    ggml_backend_free(cpu);
    return computed;
  }
  std::vector<float> compute_by(ggml_backend_t backend) {
    fill();
    status = ggml_backend_graph_compute(backend, graph_);
    return values();
  }
  std::vector<float> compute_by(Executor& executor) {
    fill();
    status = executor.compute(graph_);
    return values();
  }
  void fill() {
    for (const auto& [tensor, bytes] : contents_) ggml_backend_tensor_set(tensor, bytes.data(), 0, bytes.size());
  }
  std::span<ggml_tensor* const> nodes() const {
    return {ggml_graph_nodes(graph_), static_cast<std::size_t>(ggml_graph_n_nodes(graph_))};
  }
  enum ggml_status status = GGML_STATUS_SUCCESS;

 private:
  std::vector<float> values() const {
    std::vector<float> out(static_cast<std::size_t>(ggml_nelements(result_)));
    ggml_backend_tensor_get(result_, out.data(), 0, out.size() * sizeof(float));
    return out;
  }
  struct Free {
    void operator()(ggml_context* c) const noexcept { ggml_free(c); }
    void operator()(ggml_backend_buffer_t b) const noexcept { ggml_backend_buffer_free(b); }
    void operator()(ggml_gallocr_t a) const noexcept { ggml_gallocr_free(a); }
  };
  std::unique_ptr<ggml_context, Free> weights_, values_;
  std::unique_ptr<ggml_backend_buffer, Free> weight_buffer_;
  std::unique_ptr<ggml_gallocr, Free> allocator_;
  std::vector<ggml_tensor*> fills_, inputs_;
  std::map<ggml_tensor*, std::vector<std::byte>> contents_;
  ggml_cgraph* graph_ = nullptr;
  ggml_tensor* result_ = nullptr;
};

}  // namespace ggml_packed
