#include "llama-core/device.h"

#include <gtest/gtest.h>

#include <vector>

namespace llama {
namespace {

const std::vector<Device> kAll{{.name = "Vulkan0", .description = "", .kind = DeviceKind::Gpu},
                               {.name = "Vulkan1", .description = "", .kind = DeviceKind::IntegratedGpu},
                               {.name = "CPU", .description = "", .kind = DeviceKind::Cpu}};
const std::vector<Device> kNoGpu{kAll.back()};

constexpr std::optional<std::size_t> kCpu;

// 99: refused.
std::optional<std::size_t> chosen(std::span<const Device> devices, const DeviceChoice& choice) {
  return choose_device(devices, choice).value_or(99);
}

TEST(ChooseDevice, TakesTheFirstGpuByItself) {
  EXPECT_EQ(chosen(kAll, {}), 0);
  EXPECT_EQ(chosen(std::span(kAll).subspan(1), {}), 0);  // an integrated one is better than none
  EXPECT_EQ(chosen(kNoGpu, {}), kCpu);
  EXPECT_EQ(chosen({}, {}), kCpu);
}

TEST(ChooseDevice, TakesWhatIsNamed) {
  EXPECT_EQ(chosen(kAll, {.gpu_layers = {}, .name = "Vulkan1"}), 1);
  EXPECT_EQ(chosen(kAll, {.gpu_layers = 3, .name = "Vulkan1"}), 1);
  EXPECT_EQ(chosen(kAll, {.gpu_layers = {}, .name = "CPU"}), kCpu);
  EXPECT_EQ(chosen(kAll, {.gpu_layers = {}, .name = "none"}), kCpu);
}

TEST(ChooseDevice, TakesTheCpuForNoLayers) {
  EXPECT_EQ(chosen(kAll, {.gpu_layers = 0, .name = ""}), kCpu);
  EXPECT_EQ(chosen(kAll, {.gpu_layers = 0, .name = "Vulkan1"}), kCpu);
  EXPECT_EQ(chosen(kAll, {.gpu_layers = 0, .name = "none"}), kCpu);
}

TEST(ChooseDevice, TakesTheCpuForLayersWhereThereIsNoGpu) {
  EXPECT_EQ(chosen(kNoGpu, {.gpu_layers = 5, .name = ""}), kCpu);
}

TEST(ChooseDevice, RefusesWhatMeansNothing) {
  for (const DeviceChoice& choice :
       {DeviceChoice{.gpu_layers = -1, .name = ""}, DeviceChoice{.gpu_layers = {}, .name = "CUDA0"},
        DeviceChoice{.gpu_layers = 1, .name = "none"}, DeviceChoice{.gpu_layers = 1, .name = "CPU"}}) {
    const auto refused = choose_device(kAll, choice);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  }
  EXPECT_EQ(choose_device(kAll, {.gpu_layers = {}, .name = "CUDA0"}).error().message,
            "there is no device 'CUDA0' here: Vulkan0, Vulkan1, CPU, none");
}

TEST(FindDevices, EndsWithTheCpu) {
  const auto devices = find_devices();
  ASSERT_TRUE(devices) << devices.error().message;
  ASSERT_FALSE(devices->empty());
  EXPECT_EQ(devices->back().kind, DeviceKind::Cpu);
}

}  // namespace
}  // namespace llama
