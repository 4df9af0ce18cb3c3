// Load a model that is loaded already once only: its weights are in memory as long as anybody uses them.
//
// Files are the same where device, inode, size and time of change are; what is to compute must be the same as well.
// Threads  any number at once; those who want the same model wait for the first of them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "llama-base/error.h"
#include "llama-core/model.h"

namespace llama::internal {

// Errors   those of `load`; Cancelled while it waits for another's load.
[[nodiscard]] Result<std::shared_ptr<const Model>> share_model(
    std::span<const std::filesystem::path> files, const DeviceChoice& device, const std::stop_token& stop,
    const std::function<Result<std::shared_ptr<const Model>>()>& load);

}  // namespace llama::internal
