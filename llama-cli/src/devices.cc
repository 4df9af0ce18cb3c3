#include "devices.h"

#include <algorithm>
#include <cstdio>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <print>
#include <string>

#include "exit_status.h"
#include "llama-core/device.h"
#include "progress.h"

namespace llama {
namespace {

std::string memory(const Device& device) {
  if (device.total_bytes == 0) return "memory unknown";
  return std::format("{} of {} free", format_size(device.free_bytes), format_size(device.total_bytes));
}

void print_json(const std::vector<Device>& devices) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& device : devices) {
    list.push_back({{"name", device.name},
                    {"description", device.description},
                    {"kind", to_string(device.kind)},
                    {"free_bytes", device.free_bytes},
                    {"total_bytes", device.total_bytes}});
  }
  std::fputs((list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n").c_str(), stdout);
}

int run_devices(bool as_json) {
  const auto devices = find_devices();
  if (!devices) {
    std::println(stderr, "Error: {}", devices.error().message);
    return kInternalError;
  }
  if (as_json) {
    print_json(*devices);
    return kDone;
  }
  std::size_t width = 0;
  for (const auto& device : *devices) width = std::max(width, device.name.size());
  for (const auto& device : *devices) {
    std::println("{:{}}  {}, {}", device.name, width, device.description, memory(device));
  }
  return kDone;
}

}  // namespace

Command devices_command() {
  const auto as_json = std::make_shared<bool>(false);
  return {.name = "devices",
          .help = "List what can compute: GPUs and the CPU",
          .flags = {{.name = "--json", .target = as_json.get(), .help = "Print JSON"}},
          .run = [as_json](Interrupt&) { return run_devices(*as_json); }};
}

}  // namespace llama
