// Loading a model, and loading it again for the CPU.
#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <exception>
#include <format>
#include <system_error>
#include <utility>

#include "device_state.h"
#include "llama-core/backend.h"
#include "llama-core/kernels.h"
#include "llama-core/log.h"
#include "llama-core/model.h"
#include "vocabulary_check.h"

namespace llama {
namespace {

bool report_progress(float fraction, void* user_data) noexcept {
  const auto& options = *static_cast<const ModelLoadOptions*>(user_data);
  try {
    if (options.on_progress) options.on_progress(fraction);
  } catch (...) {
    return false;
  }
  return !options.stop.stop_requested();
}

llama_model* load_files(const std::vector<std::filesystem::path>& files, const llama_model_params& params) {
  std::vector<const char*> paths;
  for (const auto& file : files) paths.push_back(file.c_str());
  try {
    return paths.size() == 1 ? llama_model_load_from_file(paths[0], params)
                             : llama_model_load_from_splits(paths.data(), paths.size(), params);
  } catch (const std::exception&) {  // of a device's driver
    return nullptr;
  }
}

}  // namespace

Model::~Model() = default;

Result<std::shared_ptr<const Model>> Model::load_at(std::unique_ptr<DeviceState> state,
                                                    const ModelLoadOptions& options) {
  llama_model_params params = llama_model_default_params();
  params.progress_callback = report_progress;
  params.progress_callback_user_data = const_cast<ModelLoadOptions*>(&options);
  // ggml's own packed weights (of Q4_0, Q4_K, …) are out of our kernels' reach.
  params.use_extra_bufts = kernels_in_use().starts_with("stock");
  // An empty list is the CPU; without a list llama.cpp spreads the layers over all GPUs.
  std::array<ggml_backend_dev_t, 2> devices{state->placement.device, nullptr};
  params.devices = devices.data();
  params.n_gpu_layers = state->placement.layers;

  const std::string name = state->files.front().string();
  internal::take_first_log_error();
  llama_model* model = load_files(state->files, params);
  if (model == nullptr) {
    if (options.stop.stop_requested()) return fail(ErrorCode::Cancelled, "loading the model was stopped");
    const std::string reason = internal::take_first_log_error();
    return fail(ErrorCode::InvalidModel,
                std::format("model '{}' could not be loaded{}{}", name, reason.empty() ? "" : ": ", reason));
  }
  if (auto sound = internal::check_special_tokens(llama_model_get_vocab(model)); !sound) {
    llama_model_free(model);
    return fail(sound.error().code, std::format("model '{}': {}", name, sound.error().message));
  }
  return std::shared_ptr<const Model>(new Model(model, std::move(state)));
}

Result<std::shared_ptr<const Model>> Model::load(std::span<const std::filesystem::path> files,
                                                 const ModelLoadOptions& options) {
  if (files.empty()) return fail(ErrorCode::InvalidArgument, "no model file given");
  for (const auto& file : files) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
      return fail(ErrorCode::NotFound, std::format("model file '{}' does not exist", file.string()));
    }
  }
  auto placement = internal::place(options.device);
  if (!placement) return std::unexpected(placement.error());
  const auto at = [&](internal::Placement where) {
    auto state = std::make_unique<DeviceState>();
    state->files.assign(files.begin(), files.end());
    state->placement = std::move(where);
    state->on_notice = options.on_notice;
    return state;
  };
  auto model = load_at(at(*placement), options);
  if (model && placement->lacks_gpu) {
    (*model)->device_state_->notice(
        "no GPU can be used here; computing on the CPU (llama-cli devices lists what there is)");
  }
  if (model || placement->device == nullptr || model.error().code != ErrorCode::InvalidModel) return model;
  // What is wrong with the file is found again on the CPU.
  auto on_cpu = load_at(at({}), options);
  if (on_cpu) {
    (*on_cpu)->device_state_->notice(std::format("the model '{}' does not fit on {}; computing on the CPU",
                                                 files[0].filename().string(), placement->name));
  }
  return on_cpu;
}

bool Model::is_on_device() const { return device_state_->placement.device != nullptr; }

bool Model::is_wholly_on_device() const {
  const auto& placement = device_state_->placement;
  return is_on_device() && (placement.layers < 0 || placement.layers > llama_model_n_layer(model_.get()));
}

std::string Model::device() const { return in_use().own_device(); }

std::string Model::own_device() const {
  const auto& placement = device_state_->placement;
  if (!is_on_device() || is_wholly_on_device()) return placement.name;
  return std::format("{} ({} of {} layers)", placement.name, placement.layers, llama_model_n_layer(model_.get()) + 1);
}

std::optional<std::uint64_t> Model::device_memory() const {
  if (!is_on_device()) return std::nullopt;
  std::size_t free = 0, total = 0;
  ggml_backend_dev_memory(device_state_->placement.device, &free, &total);
  if (total == 0) return std::nullopt;
  return free;
}

const Model& Model::in_use() const {
  const std::scoped_lock lock(device_state_->mutex);
  return device_state_->fallback ? *device_state_->fallback : *this;
}

Result<const Model*> Model::leave_device(std::string_view what) const {
  DeviceState& state = *device_state_;
  const Model* fallback = nullptr;
  {
    const std::scoped_lock lock(state.mutex);
    if (state.fallback) return state.fallback.get();
    auto on_cpu = std::make_unique<DeviceState>();
    on_cpu->files = state.files;
    auto loaded = load_at(std::move(on_cpu), {});
    if (!loaded) return std::unexpected(loaded.error());
    state.fallback = std::move(*loaded);
    fallback = state.fallback.get();
  }
  // Without the mutex: the listener may ask where the model computes now, or compute with it.
  state.notice(std::format("{} {}; computing on the CPU", what, state.placement.name));
  return fallback;
}

}  // namespace llama
