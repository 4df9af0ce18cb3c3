// One context of llama.cpp, on the model's device as long as that works and on the CPU once it has failed.
//
// Threads  one at a time.
#pragma once

#include <llama.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-core/kernels.h"
#include "llama-core/model.h"

namespace llama::internal {

struct ContextNeeds {
  std::int32_t tokens = 0;         // as the caller knows it
  std::uint64_t needed_bytes = 0;  // at least; 0: unknown
  KernelRules rules{};
};

class DeviceContext {
 public:
  // Requires that the model outlives this object.
  // Errors   OutOfMemory, where the CPU has no room either.
  [[nodiscard]] Result<void> open(const Model& model, const llama_context_params& params, ContextNeeds needs);

  // Errors   ContextFull, Cancelled, OutOfMemory, Internal.
  [[nodiscard]] Result<void> decode(const llama_batch& batch);

  // Is that error the device's, so that the CPU may do better?
  [[nodiscard]] bool may_move(const Error& error) const;
  // cause: what decode() failed with.
  // Errors   as open(); everything is as it was then.
  [[nodiscard]] Result<void> move_to_cpu(const Error& cause);

  void set_threads(int threads);  // of what is decoded from now on, wherever

  [[nodiscard]] llama_context* get() const { return context_.get(); }
  [[nodiscard]] std::string device() const;

 private:
  struct Free {
    void operator()(llama_context* context) const noexcept { llama_free(context); }
  };
  using Handle = std::unique_ptr<llama_context, Free>;
  [[nodiscard]] Result<Handle> make(const Model& on) const;
  [[nodiscard]] Result<void> move(std::string_view what);  // Model::leave_device()

  const Model* model_ = nullptr;  // the caller's
  const Model* on_ = nullptr;     // it, or its fallback on the CPU
  llama_context_params params_{};
  ContextNeeds needs_;
  Handle context_;
};

}  // namespace llama::internal
