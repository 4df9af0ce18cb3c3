// A back end for tests: a GPU that is the CPU, with memory of its own that nobody else can read, and faults on request.
//
//   GGML_BACKEND_PATH=libfake-gpu.so llama-cli devices
//   FAKE_GPU_MEMORY=N    bytes that it has; what does not fit is refused (default: 1 GB)
//   FAKE_GPU_REFUSE=N    the Nth piece of memory that is asked for, and every one after it, is refused
//   FAKE_GPU_FAIL=N      the Nth graph fails, and every one after it; HOW says with what
//   FAKE_GPU_HOW         memory (the default), failed, throw
//
// Source   libggml 0.27.0: the layout of buffers and their types, as its own functions read them; checked by running.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string_view>

#include "plugin/abi.h"

extern "C" {

struct ggml_backend_buffer_type_i {
  const char* (*get_name)(ggml_backend_buffer_type_t);
  ggml_backend_buffer_t (*alloc_buffer)(ggml_backend_buffer_type_t, size_t);
  void* alloc_buffer_n;
  size_t (*get_alignment)(ggml_backend_buffer_type_t);
  size_t (*get_max_size)(ggml_backend_buffer_type_t);
  size_t (*get_alloc_size)(ggml_backend_buffer_type_t, const ggml_tensor*);
  void* get_alloc_size_n;
  bool (*is_host)(ggml_backend_buffer_type_t);
};

struct ggml_backend_buffer_type {
  ggml_backend_buffer_type_i iface;
  ggml_backend_dev_t device;
  void* context;
};

struct ggml_backend_buffer_i {
  void (*free_buffer)(ggml_backend_buffer_t);
  void* (*get_base)(ggml_backend_buffer_t);
  enum ggml_status (*init_tensor)(ggml_backend_buffer_t, ggml_tensor*);
  void (*memset_tensor)(ggml_backend_buffer_t, ggml_tensor*, uint8_t, size_t, size_t);
  void (*set_tensor)(ggml_backend_buffer_t, ggml_tensor*, const void*, size_t, size_t);
  void (*get_tensor)(ggml_backend_buffer_t, const ggml_tensor*, void*, size_t, size_t);
  void* set_tensor_2d;
  void* get_tensor_2d;
  bool (*cpy_tensor)(ggml_backend_buffer_t, const ggml_tensor*, ggml_tensor*);
  void (*clear)(ggml_backend_buffer_t, uint8_t);
  void (*reset)(ggml_backend_buffer_t);
};

ggml_backend_buffer_t ggml_backend_buffer_init(ggml_backend_buffer_type_t, ggml_backend_buffer_i, void*, size_t);

}  // extern "C"

namespace {

constexpr std::size_t kAlignment = 128;

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

std::size_t total_memory() { return from_environment("FAKE_GPU_MEMORY", std::size_t{1} << 30); }
std::atomic<std::size_t> used_memory = 0, asked = 0, graphs = 0;

struct Piece {
  std::byte* memory;
  std::size_t size;
};

Piece& piece(ggml_backend_buffer_t buffer) {
  // After the functions and the type; the layout of a buffer is not needed for more.
  void* context;
  std::memcpy(&context, reinterpret_cast<std::byte*>(buffer) + sizeof(ggml_backend_buffer_i) + sizeof(void*),
              sizeof context);
  return *static_cast<Piece*>(context);
}

void free_buffer(ggml_backend_buffer_t buffer) {
  Piece* p = &piece(buffer);
  used_memory -= p->size;
  std::free(p->memory);
  delete p;
}

ggml_backend_buffer_t alloc_buffer(ggml_backend_buffer_type_t type, size_t size) {
  const bool refused = ++asked >= from_environment("FAKE_GPU_REFUSE", std::numeric_limits<std::size_t>::max());
  if (refused || used_memory + size > total_memory()) return nullptr;
  const std::size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, std::max(rounded, kAlignment)));
  if (memory == nullptr) return nullptr;
  used_memory += size;
  return ggml_backend_buffer_init(
      type,
      {.free_buffer = free_buffer,
       .get_base = [](ggml_backend_buffer_t b) -> void* { return piece(b).memory; },
       .init_tensor = nullptr,
       .memset_tensor = [](ggml_backend_buffer_t, ggml_tensor* t, uint8_t value, size_t at,
                           size_t n) { std::memset(static_cast<std::byte*>(t->data) + at, value, n); },
       .set_tensor = [](ggml_backend_buffer_t, ggml_tensor* t, const void* data, size_t at,
                        size_t n) { std::memcpy(static_cast<std::byte*>(t->data) + at, data, n); },
       .get_tensor = [](ggml_backend_buffer_t, const ggml_tensor* t, void* data, size_t at,
                        size_t n) { std::memcpy(data, static_cast<const std::byte*>(t->data) + at, n); },
       .set_tensor_2d = nullptr,
       .get_tensor_2d = nullptr,
       .cpy_tensor = nullptr,
       .clear = [](ggml_backend_buffer_t b, uint8_t value) { std::memset(piece(b).memory, value, piece(b).size); },
       .reset = nullptr},
      new Piece{memory, size}, size);
}

ggml_backend_dev_t the_device();

ggml_backend_buffer_type_t the_type() {
  static ggml_backend_buffer_type type = {
      .iface = {.get_name = [](ggml_backend_buffer_type_t) { return "Fake0"; },
                .alloc_buffer = alloc_buffer,
                .alloc_buffer_n = nullptr,
                .get_alignment = [](ggml_backend_buffer_type_t) { return kAlignment; },
                .get_max_size = nullptr,
                .get_alloc_size = nullptr,
                .get_alloc_size_n = nullptr,
                .is_host = [](ggml_backend_buffer_type_t) { return false; }},
      .device = the_device(),
      .context = nullptr};
  return &type;
}

enum ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph) {
  if (++graphs >= from_environment("FAKE_GPU_FAIL", std::numeric_limits<std::size_t>::max())) {
    const char* how = std::getenv("FAKE_GPU_HOW");
    const std::string_view name = how == nullptr ? "memory" : how;
    if (name == "throw") throw std::runtime_error("the fake device is lost");
    return name == "failed" ? GGML_STATUS_FAILED : GGML_STATUS_ALLOC_FAILED;
  }
  return ggml_backend_graph_compute(static_cast<ggml_backend_t>(backend->context), graph);
}

ggml_backend_t init_backend(ggml_backend_dev_t device, const char*) {
  static ggml_guid id = {'f', 'a', 'k', 'e'};
  auto* backend = new ggml_backend{};
  backend->guid = &id;
  backend->iface.get_name = [](ggml_backend_t) { return "Fake0"; };
  backend->iface.free = [](ggml_backend_t b) {
    ggml_backend_free(static_cast<ggml_backend_t>(b->context));
    delete b;
  };
  backend->iface.graph_compute = compute;
  backend->device = device;
  backend->context = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
  return backend;
}

const char* device_name(ggml_backend_dev_t) { return "Fake0"; }
const char* device_description(ggml_backend_dev_t) { return "a fake GPU for tests"; }
void device_memory(ggml_backend_dev_t, size_t* free, size_t* total) {
  *total = total_memory();
  *free = *total - std::min<std::size_t>(*total, used_memory);
}
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; }
void device_props(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
  *props = {};
  props->name = device_name(device);
  props->description = device_description(device);
  props->type = device_type(device);
  device_memory(device, &props->memory_free, &props->memory_total);
}
bool supports_op(ggml_backend_dev_t, const ggml_tensor* op) {
  return ggml_backend_dev_supports_op(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), op);
}

ggml_backend_reg_t the_registry();

ggml_backend_dev_t the_device() {
  static ggml_backend_device device = {
      .iface = {.get_name = device_name,
                .get_description = device_description,
                .get_memory = device_memory,
                .get_type = device_type,
                .get_props = device_props,
                .init_backend = init_backend,
                .get_buffer_type = [](ggml_backend_dev_t) { return the_type(); },
                .get_host_buffer_type = nullptr,
                .buffer_from_host_ptr = nullptr,
                .supports_op = supports_op,
                .supports_buft = [](ggml_backend_dev_t, ggml_backend_buffer_type_t type) { return type == the_type(); },
                .offload_op = nullptr,
                .event_new = nullptr,
                .event_free = nullptr,
                .event_synchronize = nullptr},
      .reg = the_registry(),
      .context = nullptr};
  return &device;
}

ggml_backend_reg_t the_registry() {
  static ggml_backend_reg registry = {
      .api_version = ggml_packed::kInterfaceVersion,
      .iface = {.get_name = [](ggml_backend_reg_t) { return "Fake"; },
                .get_device_count = [](ggml_backend_reg_t) { return std::size_t{1}; },
                .get_device = [](ggml_backend_reg_t, size_t) { return the_device(); },
                .get_proc_address = [](ggml_backend_reg_t, const char*) -> void* { return nullptr; }},
      .context = nullptr};
  return &registry;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() { return the_registry(); }
