#include "loader_flags.h"

#include <charconv>
#include <format>

#include "console.h"
#include "exit_status.h"
#include "llama-core/kernels.h"
#include "priority.h"
#include "progress.h"

namespace llama {

Flags model_flags(LoaderFlags& flags) {
  return {
      {.name = "--filename",
       .target = &flags.filename,
       .help = "Model file in that folder or repository",
       .value = "FILE"},
      {.name = "--quant",
       .target = &flags.quant,
       .help = "Of a repository's models the one with this quantization, as in Q8_0",
       .value = "TAG"},
      {.name = "--revision",
       .target = &flags.revision,
       .help = "Branch, tag or commit of the repository",
       .value = "REV",
       .shows_default = true},
  };
}

Flags compute_flags(LoaderFlags& flags) {
  return {
      {.name = "--kernels",
       .target = &flags.kernels,
       .help = "Who multiplies: auto (the fastest here), stock (llama.cpp's), or a level of CPU",
       .value = "NAME",
       .shows_default = true,
       .names = kernel_levels},
      {.name = "--device",
       .target = &flags.device,
       .help = "GPU to use, or none: the CPU; default: the first (llama-cli devices)",
       .value = "NAME"},
      {.name = "--gpu-layers",
       .target = &flags.gpu_layers,
       .help = "This many of the model's last layers on the GPU, or auto: all; 0: none",
       .value = "N",
       .shows_default = true},
      {.name = "--nice",
       .target = &flags.nice,
       .help = "Leave the processor to others that want it: niceness from 1 to 19",
       .value = "LEVEL",
       .values = WholeRange{1, 19}},
  };
}

Flags cache_flags(LoaderFlags& flags) {
  return {
      {.name = "--offline", .target = &flags.offline, .help = "Use what is in the cache, never the network"},
      {.name = "--cache-dir",
       .target = &flags.cache_folder,
       .help = "Where downloaded models are kept; default: ~/.cache/llama-loader/models",
       .value = "FOLDER"},
      {.name = "--cache-limit",
       .target = &flags.cache_limit_gb,
       .help = "Gigabytes that the cache may have",
       .value = "GB",
       .values = WholeRange{1, 1'000'000},
       .shows_default = true},
      {.name = "--no-cache-limit", .target = &flags.no_cache_limit, .help = "Let the cache grow as large as the disk"},
  };
}

Result<ModelSource> make_source(const LoaderFlags& flags) {
  auto source = ModelSource::parse(flags.model, flags.filename);
  if (!source) return source;
  const HuggingFaceSource* remote = source->hugging_face();
  if (remote == nullptr) {
    if (flags.quant)
      return fail(ErrorCode::InvalidArgument,
                  std::format("--quant goes with a repository, and '{}' is on this machine", flags.model));
    return source;
  }
  HuggingFaceSource chosen = *remote;
  if (flags.quant && (chosen.quant || chosen.filename)) {
    return fail(ErrorCode::InvalidArgument,
                "--quant, a tag after the repository's name and --filename exclude each other");
  }
  if (flags.quant) chosen.quant = flags.quant;
  chosen.revision = flags.revision;
  return ModelSource(chosen);
}

Result<DeviceChoice> start_compute(const LoaderFlags& flags) {
  if (flags.nice) {
    if (auto lowered = be_nice(*flags.nice); !lowered) return std::unexpected(lowered.error());
  }
  if (auto chosen = choose_kernels(flags.kernels); !chosen) return std::unexpected(chosen.error());
  DeviceChoice choice{.name = flags.device};
  if (flags.gpu_layers != "auto") {
    const char* end = flags.gpu_layers.data() + flags.gpu_layers.size();
    std::int32_t layers = 0;
    const auto read = std::from_chars(flags.gpu_layers.data(), end, layers);
    if (read.ec != std::errc() || read.ptr != end || layers < 0) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("--gpu-layers is auto or a number from 0 up, not '{}'", flags.gpu_layers));
    }
    choice.gpu_layers = layers;
  }
  if (auto known = check(choice); !known) return std::unexpected(known.error());
  return choice;
}

CacheManager make_cache(const LoaderFlags& flags) {
  CacheManager cache(flags.cache_folder.value_or(default_cache_folder()));
  cache.with_max_size_gb(flags.no_cache_limit ? std::nullopt : std::optional(flags.cache_limit_gb));
  return cache;
}

Result<ModelLoader> make_loader(const LoaderFlags& flags, const std::stop_token& stop) {
  auto settings = HubSettings::from_environment(stop);
  if (!settings) return std::unexpected(settings.error());
  settings->offline = settings->offline || flags.offline;
  return ModelLoader(make_cache(flags), {}, std::move(*settings));
}

std::string download_line(const DownloadProgress& p) {
  const double fraction = p.all_size > 0 ? static_cast<double>(p.all_done) / static_cast<double>(p.all_size) : 0;
  std::string line =
      std::format("Downloading {}{}: {} {} of {} ({}%)", p.file,
                  p.file_count > 1 ? std::format(" ({} of {})", p.file_number, p.file_count) : "", bar(fraction),
                  format_size(p.all_done), format_size(p.all_size), static_cast<int>(fraction * 100));
  if (p.bytes_per_second > 0) {
    line += std::format(" - {}/s", format_size(static_cast<std::uint64_t>(p.bytes_per_second)));
    if (p.all_done < p.all_size) {
      line += std::format(", {} left", format_duration(std::chrono::duration<double>(
                                           static_cast<double>(p.all_size - p.all_done) / p.bytes_per_second)));
    }
  }
  return line;
}

void DownloadDisplay::update(const DownloadProgress& progress) {
  const std::scoped_lock lock(mutex_);
  if (!quiet_ && line_.is_due()) line_.draw(download_line(progress));
}

void DownloadDisplay::say(std::string_view message) {
  if (quiet_) return;
  const std::scoped_lock lock(mutex_);
  line_.clear();
  put_line(stderr, message);
}

void DownloadDisplay::end() {
  const std::scoped_lock lock(mutex_);
  line_.clear();
}

Error with_flags(Error error) {
  if (error.code == ErrorCode::NoSpace) {
    error.message += "; --cache-dir, --cache-limit and --no-cache-limit say where models are kept and how much of them";
  }
  if (error.code == ErrorCode::Offline) error.message += "; without --offline and HF_HUB_OFFLINE it is asked for";
  return error;
}

int loader_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return kUsageError;
    case ErrorCode::NoSpace:
    case ErrorCode::Io:
      return kOutputError;
    case ErrorCode::RateLimited:
    case ErrorCode::Network:
    case ErrorCode::Corrupt:
      return kNetworkError;
    default:
      return kModelError;
  }
}

}  // namespace llama
