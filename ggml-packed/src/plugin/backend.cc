// The back end that ggml sees: one accelerator, which computes with host memory as the CPU back end does.
#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "plugin/abi.h"
#include "plugin/executor.h"
#include "plugin/self_check.h"
#include "plugin/speed.h"

namespace ggml_packed {
namespace {

std::atomic<const Kernels*> chosen = nullptr;  // by ggml_backend_init() or select()

// Of the contexts that this thread makes.
thread_local bool always = false;              // by set_always()
thread_local bool few_passes = false;          // by set_few_passes()
thread_local Reads reads = Reads::Everything;  // by set_reads()

std::atomic<int> packing = 0;  // contexts that a level was chosen for when they were made

// A context's; a choice that is made later is not its own.
struct State {
  State(const Kernels& level, bool is_on)
      : executor(level,
                 {.always = always, .widen = always && level.has_tiles, .few_passes = few_passes, .reads = reads}),
        computes(is_on) {
    packing += computes ? 1 : 0;
  }
  ~State() { packing -= computes ? 1 : 0; }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Executor executor;
  const bool computes;  // else all of it is ggml's
};

State& state_of(ggml_backend_t backend) { return *static_cast<State*>(backend->context); }
Executor& executor(ggml_backend_t backend) { return state_of(backend).executor; }

const char* backend_name(ggml_backend_t) { return "packed"; }
void backend_free(ggml_backend_t backend) {
  delete static_cast<State*>(backend->context);
  delete backend;
}
enum ggml_status graph_compute(ggml_backend_t backend, ggml_cgraph* graph) {
  try {
    return state_of(backend).computes ? executor(backend).compute(graph) : executor(backend).pass_on(graph);
  } catch (const std::bad_alloc&) {
    return GGML_STATUS_ALLOC_FAILED;
  } catch (const std::exception&) {
    return GGML_STATUS_FAILED;
  }
}
void set_threads(ggml_backend_t backend, int threads) { executor(backend).set_threads(threads); }
void set_abort(ggml_backend_t backend, ggml_abort_callback callback, void* data) {
  executor(backend).set_abort(callback, data);
}

ggml_guid_t guid() {
  static ggml_guid id = {0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x2d, 0x77,
                         0x65, 0x69, 0x67, 0x68, 0x74, 0x73, 0x00, 0x01};
  return &id;
}

const char* device_name(ggml_backend_dev_t) { return "packed"; }
const char* device_description(ggml_backend_dev_t) {
  const Kernels* level = chosen;
  return level != nullptr ? level->name : "off";
}
void device_memory(ggml_backend_dev_t, size_t* free, size_t* total) { *free = *total = 0; }
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_ACCEL; }
void device_props(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
  *props = {};
  props->name = device_name(device);
  props->description = device_description(device);
  props->type = device_type(device);
  props->caps.buffer_from_host_ptr = true;
}

ggml_backend_t init_backend(ggml_backend_dev_t device, const char*) {
  try {
    // Switched off it still is part of each context, but supports no operation.
    const Kernels* level = chosen;
    auto state = std::make_unique<State>(level != nullptr ? *level : *kernels(), level != nullptr);
    if (!state->executor.is_usable()) return nullptr;
    auto backend = std::make_unique<ggml_backend>();
    *backend = {};
    backend->guid = guid();
    backend->iface.get_name = backend_name;
    backend->iface.free = backend_free;
    backend->iface.graph_compute = graph_compute;
    backend->device = device;
    backend->context = state.release();
    return backend.release();
  } catch (const std::exception&) {
    return nullptr;
  }
}

ggml_backend_buffer_type_t device_buffer_type(ggml_backend_dev_t) { return ggml_backend_cpu_buffer_type(); }
ggml_backend_buffer_t buffer_from_host(ggml_backend_dev_t, void* memory, size_t size, size_t) {
  return ggml_backend_cpu_buffer_from_ptr(memory, size);
}
// Whole graphs come here, so that neighbouring operations can be one; what is not ours goes on to the CPU back end.
// ggml asks for all contexts at once: while any computes here, graphs of those that do not come here as well.
bool supports_op(ggml_backend_dev_t, const ggml_tensor* op) {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return (chosen != nullptr || packing > 0) && cpu != nullptr && ggml_backend_dev_supports_op(cpu, op);
}
bool supports_buffer_type(ggml_backend_dev_t, ggml_backend_buffer_type_t type) {
  return ggml_backend_buft_is_host(type);
}

// For our own program: choose a level of CPU for the contexts that are made from now on, by its name, "off", or "" for
// the best that was measured. False: no such level here.
bool select(const char* level) {
  const std::string_view name = level;
  if (name == "off" || (name.empty() && !levels_are_measured())) {
    chosen = nullptr;
    return true;
  }
  const Kernels* found = kernels(name.empty() ? nullptr : level);
  if (found == nullptr || !passes_self_check(*found)) return false;
  chosen = found;
  return true;
}

// For our own program: the names of all levels, the best one first; nullptr ends them.
const char* const* levels() {
  static const auto kNames = [] {
    auto all = level_names();
    all.push_back(nullptr);
    return all;
  }();
  return kNames.data();
}

// For our own program: how fast a level is here, in giga-operations a second; 0 where the CPU lacks it, and where
// no level is to be chosen by its speed.
double speed(const char* level) {
  const Kernels* found = kernels(level);
  return found == nullptr || !levels_are_measured() ? 0 : speed_of(*found);
}

// For our own program, three rules for the contexts that this thread makes from now on. They compute graphs of a few
// tokens here as well (Executor).
void set_always(bool on) { always = on; }

// A few passes are expected of them (Executor).
void set_few_passes(bool on) { few_passes = on; }

// What is read of their results, by the number of Reads' names in their order.
void set_reads(int what) { reads = what == 1 ? Reads::Outputs : what == 2 ? Reads::Pooled : Reads::Everything; }

const char* registry_name(ggml_backend_reg_t) { return "packed"; }
size_t device_count(ggml_backend_reg_t) { return 1; }
ggml_backend_dev_t get_device(ggml_backend_reg_t registry, size_t) {
  static ggml_backend_device device = {.iface = {.get_name = device_name,
                                                 .get_description = device_description,
                                                 .get_memory = device_memory,
                                                 .get_type = device_type,
                                                 .get_props = device_props,
                                                 .init_backend = init_backend,
                                                 .get_buffer_type = device_buffer_type,
                                                 .get_host_buffer_type = nullptr,
                                                 .buffer_from_host_ptr = buffer_from_host,
                                                 .supports_op = supports_op,
                                                 .supports_buft = supports_buffer_type,
                                                 .offload_op = nullptr,
                                                 .event_new = nullptr,
                                                 .event_free = nullptr,
                                                 .event_synchronize = nullptr},
                                       .reg = registry,
                                       .context = nullptr};
  return &device;
}
void* proc_address(ggml_backend_reg_t, const char* name) {
  const std::string_view wanted = name;
  if (wanted == "ggml_backend_set_n_threads") return reinterpret_cast<void*>(set_threads);
  if (wanted == "ggml_backend_set_abort_callback") return reinterpret_cast<void*>(set_abort);
  if (wanted == "ggml_packed_select") return reinterpret_cast<void*>(select);
  if (wanted == "ggml_packed_levels") return reinterpret_cast<void*>(levels);
  if (wanted == "ggml_packed_speed") return reinterpret_cast<void*>(speed);
  if (wanted == "ggml_packed_set_few_passes") return reinterpret_cast<void*>(set_few_passes);
  if (wanted == "ggml_packed_set_reads") return reinterpret_cast<void*>(set_reads);
  if (wanted == "ggml_packed_set_always") return reinterpret_cast<void*>(set_always);
  return nullptr;
}

}  // namespace
}  // namespace ggml_packed

extern "C" {

// 0: not on this CPU.
__attribute__((visibility("default"))) int ggml_backend_score() { return ggml_packed::kernels() != nullptr ? 10 : 0; }

__attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() {
  using namespace ggml_packed;
  static ggml_backend_reg registry = {.api_version = kInterfaceVersion,
                                      .iface = {.get_name = registry_name,
                                                .get_device_count = device_count,
                                                .get_device = get_device,
                                                .get_proc_address = proc_address},
                                      .context = nullptr};
  return select("") ? &registry : nullptr;
}

}  // extern "C"
