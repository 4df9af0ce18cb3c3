// The flags that say which model and where it comes from: the same for every command.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "command.h"
#include "llama-base/error.h"
#include "llama-loader/model_loader.h"
#include "status_line.h"

namespace llama {

struct LoaderFlags {
  std::string model;
  std::optional<std::string> filename;
  std::optional<std::string> quant;
  std::string revision = "main";
  bool offline = false;
  std::optional<std::filesystem::path> cache_folder;
  std::uint64_t cache_limit_gb = 50;
  bool no_cache_limit = false;
  std::string kernels = "auto";
  std::string gpu_layers = "auto";
  std::string device;
  std::optional<std::int32_t> nice{};
};

[[nodiscard]] Flags model_flags(LoaderFlags& flags);    // filename, quant, revision
[[nodiscard]] Flags cache_flags(LoaderFlags& flags);    // offline, cache-dir, limits
[[nodiscard]] Flags compute_flags(LoaderFlags& flags);  // kernels, device, layers, nice

// Errors   InvalidArgument: the name, two flags that exclude each other.
[[nodiscard]] Result<ModelSource> make_source(const LoaderFlags& flags);
// Errors   InvalidArgument: a variable of the environment.
[[nodiscard]] Result<ModelLoader> make_loader(const LoaderFlags& flags, const std::stop_token& stop);
// Chooses the kernels, lowers the process's priority, and says which device computes.
// Errors   InvalidArgument: no number, unknown kernels or device (the message lists the known ones). Io: no priority.
[[nodiscard]] Result<DeviceChoice> start_compute(const LoaderFlags& flags);
[[nodiscard]] CacheManager make_cache(const LoaderFlags& flags);

// "Downloading model.gguf (2 of 3): [████████░░] 1.20/6.30 GB (19%) - 45.2 MB/s, 1m 40s left"
[[nodiscard]] std::string download_line(const DownloadProgress& progress);

// Shows a download and what the loader has to say.
// Threads  any: each part of a download has its own.
class DownloadDisplay {
 public:
  DownloadDisplay(bool quiet, bool is_terminal) : quiet_(quiet), line_(stderr, is_terminal) {}
  void update(const DownloadProgress& progress);
  void say(std::string_view message);
  void end();

 private:
  bool quiet_;
  std::mutex mutex_;
  StatusLine line_;
};

// A loader's error with the flags that help against it: libraries know none.
[[nodiscard]] Error with_flags(Error error);

// The exit status that a loader's error means.
[[nodiscard]] int loader_status(ErrorCode code);

}  // namespace llama
