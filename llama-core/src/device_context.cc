#include "device_context.h"

#include <exception>
#include <format>
#include <new>
#include <utility>

#include "llama-base/memory.h"
#include "llama-core/log.h"

namespace llama::internal {

Result<DeviceContext::Handle> DeviceContext::make(const Model& on) const {
  const bool partly = on.is_on_device() && !on.is_wholly_on_device();  // who holds how much of it is not known
  const auto room = partly ? std::nullopt : on.is_on_device() ? on.device_memory() : available_memory();
  if (room && needs_.needed_bytes > *room) {
    return fail(ErrorCode::OutOfMemory,
                std::format("a context of {} tokens takes {:.1f} GB, and {:.1f} GB of memory are free", needs_.tokens,
                            static_cast<double>(needs_.needed_bytes) / 1e9, static_cast<double>(*room) / 1e9));
  }
  llama_context_params params = params_;
  // "Auto" turns it off where another back end than the memory's computes it, as ours does beside the CPU's.
  params.flash_attn_type = on.is_wholly_on_device() ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_ENABLED;
  take_first_log_error();
  // A back end asks for the rules when it starts: each context that is made for the same work needs them anew.
  KernelRules wanted = needs_.rules;
  if (on.is_on_device()) wanted.reads = ResultsRead::Everything;  // a device may read what the CPU has computed
  const WithKernelRules rules(wanted);
  Handle made;
  try {
    made.reset(llama_init_from_model(on.model_.get(), params));
  } catch (const std::exception&) {
    made.reset();  // of a device's driver
  }
  if (made) return made;
  const std::string reason = take_first_log_error();
  return fail(ErrorCode::OutOfMemory, std::format("a context of {} tokens could not be made{}{}", needs_.tokens,
                                                  reason.empty() ? "" : ": ", reason));
}

Result<void> DeviceContext::open(const Model& model, const llama_context_params& params, ContextNeeds needs) {
  model_ = &model;
  on_ = &model.in_use();
  params_ = params;
  needs_ = needs;
  auto made = make(*on_);
  if (made) {
    context_ = std::move(*made);
    return {};
  }
  if (!on_->is_on_device()) return std::unexpected(made.error());
  return move(std::format("a context of {} tokens does not fit on", needs.tokens));
}

Result<void> DeviceContext::move_to_cpu(const Error& cause) {
  return move(cause.code == ErrorCode::OutOfMemory ? "a batch does not fit on" : "computing failed on");
}

Result<void> DeviceContext::move(std::string_view what) {
  const auto fallback = model_->leave_device(what);
  if (!fallback) return std::unexpected(fallback.error());
  auto made = make(**fallback);
  if (!made) return std::unexpected(made.error());
  on_ = *fallback;
  context_ = std::move(*made);
  return {};
}

void DeviceContext::set_threads(int threads) {
  params_.n_threads = params_.n_threads_batch = threads;
  llama_set_n_threads(context_.get(), threads, threads);
}

bool DeviceContext::may_move(const Error& error) const {
  return on_->is_on_device() && (error.code == ErrorCode::OutOfMemory || error.code == ErrorCode::Internal);
}

Result<void> DeviceContext::decode(const llama_batch& batch) {
  take_first_log_error();
  std::int32_t status = 0;
  try {
    status = llama_decode(context_.get(), batch);
    // Some devices compute later than they say: such a one fails only here.
    if (status == 0) llama_synchronize(context_.get());
  } catch (const std::bad_alloc&) {
    status = -2;
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::Internal, std::format("llama.cpp could not compute a batch: {}", thrown.what()));
  }
  switch (status) {
    case 0:
      return {};
    case 1:
      return fail(ErrorCode::ContextFull, std::format("no room in the context for {} more tokens", batch.n_tokens));
    case 2:
      return fail(ErrorCode::Cancelled, "computing was stopped");
    case -2:
      return fail(ErrorCode::OutOfMemory, "llama.cpp could not allocate memory for a batch");
    default: {
      const std::string reason = take_first_log_error();
      return fail(ErrorCode::Internal, std::format("llama.cpp could not compute a batch (status {}){}{}", status,
                                                   reason.empty() ? "" : ": ", reason));
    }
  }
}

std::string DeviceContext::device() const { return on_->own_device(); }

}  // namespace llama::internal
