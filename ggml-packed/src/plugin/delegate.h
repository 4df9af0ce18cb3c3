// Pass parts of a graph on to ggml's own CPU back end.
//
// Threads  one at a time.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>

#include <memory>
#include <vector>

namespace ggml_packed {

class Delegate {
 public:
  // Requires is_usable() before anything else is called: there may be no CPU back end.
  Delegate();
  [[nodiscard]] bool is_usable() const { return backend_ != nullptr; }

  void set_threads(int threads) { threads_ = threads; }
  void set_abort(ggml_abort_callback callback, void* data);

  // Remember a node, to be computed at the next flush(), in order.
  void add(ggml_tensor* node) { waiting_.push_back(node); }
  [[nodiscard]] enum ggml_status flush();
  [[nodiscard]] enum ggml_status compute(ggml_cgraph* graph);
  void forget() { waiting_.clear(); }
  // How many nodes went there since then.
  // What an earlier graph that failed has left is that graph's, which may be gone.
  void begin_graph() {
    passed_on_ = 0;
    forget();
  }
  [[nodiscard]] std::size_t passed_on() const { return passed_on_; }

 private:
  void use_threads(int threads);

  struct FreeBackend {
    void operator()(ggml_backend_t backend) const noexcept { ggml_backend_free(backend); }
  };
  struct FreeContext {
    void operator()(ggml_context* context) const noexcept { ggml_free(context); }
  };

  std::unique_ptr<ggml_backend, FreeBackend> backend_;
  std::unique_ptr<ggml_context, FreeContext> context_;  // of a graph for the waiting nodes
  std::size_t capacity_ = 0;
  std::vector<ggml_tensor*> waiting_;
  std::size_t passed_on_ = 0;
  int threads_ = 1;  // for work that is worth it
  int set_ = 0;      // what the back end was told last
};

}  // namespace ggml_packed
