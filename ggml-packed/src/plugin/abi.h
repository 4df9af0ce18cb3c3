// What libggml expects of a back end that it loads from a shared library.
//
// Distributions install no header for it, so it is declared here, for one version of the interface. A library that was
// built for another version is refused by ggml with one line in its log, and everything goes on without it.
//
// Source   libggml 0.27.0 (plug-in interface 3): the layout that its own libggml-blas.so has; checked by running.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>

namespace ggml_packed {

inline constexpr int kInterfaceVersion = 3;

}  // namespace ggml_packed

// NOLINTBEGIN(readability-identifier-naming): ggml's names
extern "C" {

struct ggml_backend_reg_i {
  const char* (*get_name)(ggml_backend_reg_t);
  size_t (*get_device_count)(ggml_backend_reg_t);
  ggml_backend_dev_t (*get_device)(ggml_backend_reg_t, size_t);
  void* (*get_proc_address)(ggml_backend_reg_t, const char*);
};

struct ggml_backend_reg {
  int api_version;
  ggml_backend_reg_i iface;
  void* context;
};

struct ggml_backend_device_i {
  const char* (*get_name)(ggml_backend_dev_t);
  const char* (*get_description)(ggml_backend_dev_t);
  void (*get_memory)(ggml_backend_dev_t, size_t*, size_t*);
  enum ggml_backend_dev_type (*get_type)(ggml_backend_dev_t);
  void (*get_props)(ggml_backend_dev_t, ggml_backend_dev_props*);
  ggml_backend_t (*init_backend)(ggml_backend_dev_t, const char*);
  ggml_backend_buffer_type_t (*get_buffer_type)(ggml_backend_dev_t);
  ggml_backend_buffer_type_t (*get_host_buffer_type)(ggml_backend_dev_t);
  ggml_backend_buffer_t (*buffer_from_host_ptr)(ggml_backend_dev_t, void*, size_t, size_t);
  bool (*supports_op)(ggml_backend_dev_t, const ggml_tensor*);
  bool (*supports_buft)(ggml_backend_dev_t, ggml_backend_buffer_type_t);
  bool (*offload_op)(ggml_backend_dev_t, const ggml_tensor*);
  ggml_backend_event_t (*event_new)(ggml_backend_dev_t);
  void (*event_free)(ggml_backend_dev_t, ggml_backend_event_t);
  void (*event_synchronize)(ggml_backend_dev_t, ggml_backend_event_t);
};

struct ggml_backend_device {
  ggml_backend_device_i iface;
  ggml_backend_reg_t reg;
  void* context;
};

struct ggml_backend_i {
  const char* (*get_name)(ggml_backend_t);
  void (*free)(ggml_backend_t);
  void (*set_tensor_async)(ggml_backend_t, ggml_tensor*, const void*, size_t, size_t);
  void (*get_tensor_async)(ggml_backend_t, const ggml_tensor*, void*, size_t, size_t);
  void (*set_tensor_2d_async)(ggml_backend_t, ggml_tensor*, const void*, size_t, size_t, size_t, size_t, size_t);
  void (*get_tensor_2d_async)(ggml_backend_t, const ggml_tensor*, void*, size_t, size_t, size_t, size_t, size_t);
  bool (*cpy_tensor_async)(ggml_backend_t, ggml_backend_t, const ggml_tensor*, ggml_tensor*);
  void (*synchronize)(ggml_backend_t);
  ggml_backend_graph_plan_t (*graph_plan_create)(ggml_backend_t, const ggml_cgraph*);
  void (*graph_plan_free)(ggml_backend_t, ggml_backend_graph_plan_t);
  void (*graph_plan_update)(ggml_backend_t, ggml_backend_graph_plan_t, const ggml_cgraph*);
  enum ggml_status (*graph_plan_compute)(ggml_backend_t, ggml_backend_graph_plan_t);
  enum ggml_status (*graph_compute)(ggml_backend_t, ggml_cgraph*);
  void (*event_record)(ggml_backend_t, ggml_backend_event_t);
  void (*event_wait)(ggml_backend_t, ggml_backend_event_t);
  void (*graph_optimize)(ggml_backend_t, ggml_cgraph*);
};

struct ggml_backend {
  ggml_guid_t guid;
  ggml_backend_i iface;
  ggml_backend_dev_t device;
  void* context;
};

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
