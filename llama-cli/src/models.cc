#include "models.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <print>

#include "exit_status.h"
#include "llama-loader/detection.h"
#include "llama-loader/huggingface.h"
#include "progress.h"

namespace llama {
namespace {

int report(const Error& error, const Interrupt& interrupt, int status) {
  if (error.code == ErrorCode::Cancelled) {
    std::println(stderr, "Interrupted: {}", error.message);
    return interrupt.exit_status();
  }
  std::println(stderr, "Error: {}", error.message);
  return status;
}

// "org/model:file.gguf", or the key of a model that was put in by hand.
std::string name_of(const CachedModel& model) {
  return model.repo.empty() ? model.key : std::format("{} {}", model.repo, model.files.front().path);
}

bool is_dataset(const CachedModel& model) { return model.repo.starts_with("datasets/"); }

std::string time_text(std::int64_t seconds) {
  return std::format("{:%FT%TZ}", std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

nlohmann::json to_json(const CachedModel& model) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : model.files) {
    files.push_back({{"path", file.path},
                     {"size_bytes", file.size_bytes},
                     {"digest", file.sha256},
                     {"file", (model.folder / file.path).string()}});
  }
  return {{"kind", is_dataset(model) ? "dataset" : "model"},
          {"key", model.key},
          {"repo", model.repo},
          {"endpoint", model.endpoint},
          {"commit", model.commit},
          {"revisions", model.revisions},
          {"size_bytes", model.size_bytes},
          {"owned_bytes", model.owned_bytes},
          {"last_used", time_text(model.last_used)},
          {"in_use", model.in_use},
          {"files", files}};
}

int list(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const CacheManager cache = make_cache(arguments.loader);
  const auto models = cache.list();
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& model : *models) all.push_back(to_json(model));
    std::println("{}", all.dump(2));
    return kDone;
  }
  std::uint64_t total = 0;
  if (models->empty()) std::println("No models in {}", cache.folder().string());
  for (const auto& model : *models) {
    total += model.owned_bytes;
    std::println("{}{}\n    {}, last used {}{}{}", name_of(model),
                 model.files.size() > 1
                     ? std::format(" ({} {})", model.files.size(), is_dataset(model) ? "files" : "parts")
                     : "",
                 format_size(model.size_bytes), time_text(model.last_used), model.in_use ? ", in use" : "",
                 model.commit.empty() ? "" : std::format(", commit {}", model.commit.substr(0, 12)));
  }
  if (!models->empty()) {
    std::println("{} in all{}", format_size(total),
                 cache.max_size_bytes() ? std::format(" of {} at most", format_size(*cache.max_size_bytes())) : "");
  }
  return kDone;
}

// The models in the cache that a name means: a key, or a repository with or without a tag.
Result<std::vector<CachedModel>> find_cached(const ModelsArguments& arguments, const CacheManager& cache) {
  auto models = cache.list();
  if (!models) return models;
  const auto source = make_source(arguments.loader);
  std::erase_if(*models, [&](const CachedModel& model) {
    if (model.key == arguments.loader.model) return false;
    const HuggingFaceSource* remote = source ? source->hugging_face() : nullptr;
    if (remote == nullptr || model.repo != remote->repo) return true;
    if (remote->quant && !has_name_token(model.files.front().path, *remote->quant)) return true;
    return remote->filename &&
           std::ranges::none_of(model.files, [&](const CachedFileFacts& f) { return f.path == *remote->filename; });
  });
  if (models->empty()) {
    return fail(ErrorCode::NotFound,
                std::format("the cache '{}' has no model '{}'", cache.folder().string(), arguments.loader.model));
  }
  return models;
}

int path(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const auto models = find_cached(arguments, make_cache(arguments.loader));
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  const CachedModel& model = models->front();  // the one used last
  if (arguments.json) {
    std::println("{}", to_json(model).dump(2));
  } else {
    std::println("{}", model.paths().front().string());
  }
  return kDone;
}

int list_files(const ModelsArguments& arguments, const HuggingFaceSource& source, const Interrupt& interrupt) {
  auto settings = HubSettings::from_environment();
  if (!settings) return report(settings.error(), interrupt, kUsageError);
  settings->offline = settings->offline || arguments.loader.offline;
  const HubClient hub(*settings, {}, [](std::string_view line) { std::println(stderr, "{}", line); });
  const auto repository = hub.list(source.repo, source.revision, interrupt.token());
  if (!repository) return report(repository.error(), interrupt, loader_status(repository.error().code));
  const auto chosen = hub.choose(*repository, source.filename, source.quant, interrupt.token());
  const auto is_chosen = [&](const std::string& name) {
    return chosen && std::ranges::find(*chosen, name) != chosen->end();
  };
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& file : repository->files) {
      all.push_back({{"path", file.path},
                     {"size_bytes", file.size_bytes},
                     {"sha256", file.sha256},
                     {"chosen", is_chosen(file.path)}});
    }
    std::println("{}",
                 nlohmann::json{{"repo", repository->repo}, {"commit", repository->commit}, {"files", all}}.dump(2));
  } else {
    std::println("{} at commit {}", repository->repo, repository->commit);
    for (const auto& file : repository->files)
      std::println("{} {:>10}  {}", is_chosen(file.path) ? "*" : " ", format_size(file.size_bytes), file.path);
    if (repository->left_out > 0)
      std::println("  ({} entries whose names or digests make no sense are left out)", repository->left_out);
  }
  if (!chosen) return report(chosen.error(), interrupt, kModelError);
  if (!arguments.json) std::println("* is what would be taken");
  return kDone;
}

int pull(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const auto source = make_source(arguments.loader);
  if (!source) return report(source.error(), interrupt, kUsageError);
  if (arguments.list_files && source->hugging_face() != nullptr)
    return list_files(arguments, *source->hugging_face(), interrupt);
  const auto loader = make_loader(arguments.loader);
  if (!loader) return report(loader.error(), interrupt, kUsageError);
  DownloadDisplay display(arguments.quiet, ::isatty(STDERR_FILENO) == 1);
  ModelConfig config{.source = *source, .on_progress = {}, .stop = interrupt.token()};
  config.on_download = [&](const DownloadProgress& progress) { display.update(progress); };
  config.on_message = [&](std::string_view line) { display.say(line); };
  const auto fetched = loader->fetch(config, true);
  display.end();
  if (!fetched) return report(with_flags(fetched.error()), interrupt, loader_status(fetched.error().code));
  if (arguments.json) {
    nlohmann::json json = to_json(fetched->model);
    json["cache_hit"] = fetched->cache_hit;
    std::println("{}", json.dump(2));
  } else {
    std::println("{}", fetched->model.paths().front().string());
  }
  return kDone;
}

int verify(const ModelsArguments& arguments, const Interrupt& interrupt) {
  std::size_t count = 0;
  const auto faults =
      make_cache(arguments.loader)
          .verify(
              [&](const CachedModel& model) {
                ++count;
                if (!arguments.quiet && !arguments.json)
                  std::println(stderr, "Checking {} ({})", name_of(model), format_size(model.size_bytes));
              },
              interrupt.token());
  if (!faults) return report(faults.error(), interrupt, loader_status(faults.error().code));
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& fault : *faults) all.push_back({{"key", fault.key}, {"fault", fault.what}});
    std::println("{}", nlohmann::json{{"models", count}, {"faults", all}}.dump(2));
  } else {
    for (const auto& fault : *faults) std::println(stderr, "Error: {}: {}", fault.key, fault.what);
    std::println("{} models, {} damaged files", count, faults->size());
  }
  return faults->empty() ? kDone : kModelError;
}

int remove(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const CacheManager cache = make_cache(arguments.loader);
  const auto models = find_cached(arguments, cache);
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  for (const auto& model : *models) {
    if (auto removed = cache.remove(model.key); !removed) return report(removed.error(), interrupt, kModelError);
    if (!arguments.quiet) std::println("Removed {} ({})", name_of(model), format_size(model.owned_bytes));
  }
  return kDone;
}

int prune(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const CacheManager cache = make_cache(arguments.loader);
  const auto partial = cache.remove_partial_downloads();
  if (!partial) return report(partial.error(), interrupt, loader_status(partial.error().code));
  const auto cleanup = cache.cleanup_old_models();
  if (!cleanup) return report(cleanup.error(), interrupt, loader_status(cleanup.error().code));
  if (arguments.json) {
    nlohmann::json removed = nlohmann::json::array();
    for (const auto& model : cleanup->removed) removed.push_back(to_json(model));
    std::println(
        "{}",
        nlohmann::json{{"removed", removed}, {"partial_bytes", *partial}, {"size_bytes", cleanup->size_bytes}}.dump(2));
    return kDone;
  }
  for (const auto& model : cleanup->removed)
    std::println("Removed {} ({})", name_of(model), format_size(model.owned_bytes));
  std::println("Removed {} of unfinished downloads; {} of models are left", format_size(*partial),
               format_size(cleanup->size_bytes));
  return kDone;
}

}  // namespace

int run_models(const ModelsArguments& arguments, const Interrupt& interrupt) {
  switch (arguments.action) {
    case ModelsAction::List:
      return list(arguments, interrupt);
    case ModelsAction::Path:
      return path(arguments, interrupt);
    case ModelsAction::Pull:
      return pull(arguments, interrupt);
    case ModelsAction::Verify:
      return verify(arguments, interrupt);
    case ModelsAction::Remove:
      return remove(arguments, interrupt);
    case ModelsAction::Prune:
      return prune(arguments, interrupt);
  }
  return kInternalError;
}

}  // namespace llama
