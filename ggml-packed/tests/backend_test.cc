// The back end as ggml sees it: what a choice of kernels is for.
#include <ggml-backend.h>
#include <gtest/gtest.h>

#include <memory>

#include "kernels/kernels.h"
#include "test_graph.h"

extern "C" ggml_backend_reg_t ggml_backend_init();

namespace ggml_packed {
namespace {

struct FreeBackend {
  void operator()(ggml_backend_t backend) const noexcept { ggml_backend_free(backend); }
};
using Backend = std::unique_ptr<ggml_backend, FreeBackend>;

TEST(Backend, AChoiceOfKernelsIsForTheContextsThatAreMadeAfterIt) {
  if (kernels() == nullptr) GTEST_SKIP() << "no level for this CPU";
  TestGraph graph;
  ggml_tensor* product =
      ggml_mul_mat(graph.graph_context(), graph.weight(GGML_TYPE_Q8_0, 256, 64), graph.input(256, 21));
  graph.allocate(product);
  ggml_backend_reg_t registry = ggml_backend_init();
  ASSERT_NE(registry, nullptr);
  ggml_backend_dev_t device = ggml_backend_reg_dev_get(registry, 0);
  const auto select =
      reinterpret_cast<bool (*)(const char*)>(ggml_backend_reg_get_proc_address(registry, "ggml_packed_select"));
  const auto made_with = [&](const char* level) {
    EXPECT_TRUE(select(level));
    return Backend(ggml_backend_dev_init(device, nullptr));
  };
  const auto stock = made_with("off");
  EXPECT_FALSE(ggml_backend_dev_supports_op(device, product));
  auto packed = made_with(kernels()->name);
  const auto by_ggml = graph.compute_by_ggml(), by_us = graph.compute_by(packed.get());
  EXPECT_NE(by_us, by_ggml);
  EXPECT_EQ(graph.compute_by(stock.get()), by_ggml);
  EXPECT_TRUE(select("off"));
  EXPECT_TRUE(ggml_backend_dev_supports_op(device, product));  // the context that was made before has it
  EXPECT_EQ(graph.compute_by(packed.get()), by_us);
  packed.reset();
  EXPECT_FALSE(ggml_backend_dev_supports_op(device, product));
}

}  // namespace
}  // namespace ggml_packed
