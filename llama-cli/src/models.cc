#include "models.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <print>
#include <string>
#include <utility>
#include <vector>

#include "cached_models.h"
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

// Not by println(), which ends the program where a long text cannot be written to a terminal.
void print_as_json(const nlohmann::json& json) { std::fputs((json_text(json) + "\n").c_str(), stdout); }

int list(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const CacheManager cache = make_cache(arguments.loader);
  const auto models = cache.list();
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  tell_of_odd_entries(cache, *models);
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& model : *models) all.push_back(cached_as_json(model));
    print_as_json(all);
    return kDone;
  }
  const auto total = cache.size_bytes();
  if (!total) return report(total.error(), interrupt, loader_status(total.error().code));
  if (models->empty()) std::println("No models in {}", cache.folder().string());
  for (const auto& model : *models) {
    const std::uint64_t shared = model.owned_bytes - model.freed_bytes.value_or(model.owned_bytes);
    std::println("{}{}\n    {}{}, last used {}{}{}", cached_name(model),
                 model.files.size() > 1
                     ? std::format(" ({} {})", model.files.size(), is_dataset(model) ? "files" : "parts")
                     : "",
                 format_size(model.size_bytes), shared > 0 ? std::format(" ({} shared)", format_size(shared)) : "",
                 time_text(model.last_used), model.in_use ? ", in use" : "",
                 model.commit.empty() ? "" : std::format(", commit {}", model.commit.substr(0, 12)));
  }
  if (!models->empty()) {
    std::println("{} in all{}", format_size(*total),
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
    if (shown_key(model.key) == shown_key(arguments.loader.model)) return false;
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

// The key of an entry that says no more of itself.
std::optional<std::string> find_unreadable(const ModelsArguments& arguments, const CacheManager& cache) {
  const auto faults = cache.unreadable();
  if (!faults) return std::nullopt;
  for (const auto& fault : *faults)
    if (shown_key(fault.key) == shown_key(arguments.loader.model)) return fault.key;
  return std::nullopt;
}

int path(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const auto models = find_cached(arguments, make_cache(arguments.loader));
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  const CachedModel& model = models->front();  // the one used last
  if (arguments.json) {
    print_as_json(cached_as_json(model));
  } else {
    std::println("{}", model.paths().front().string());
  }
  return kDone;
}

int list_files(const ModelsArguments& arguments, const HuggingFaceSource& source, const Interrupt& interrupt) {
  auto settings = HubSettings::from_environment(interrupt.token());
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
    print_as_json({{"repo", repository->repo}, {"commit", repository->commit}, {"files", std::move(all)}});
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
  const auto loader = make_loader(arguments.loader, interrupt.token());
  if (!loader) return report(loader.error(), interrupt, kUsageError);
  DownloadDisplay display(arguments.quiet, ::isatty(STDERR_FILENO) == 1);
  ModelConfig config{.source = *source, .on_progress = {}, .stop = interrupt.token()};
  config.on_download = [&](const DownloadProgress& progress) { display.update(progress); };
  config.on_message = [&](std::string_view line) { display.say(line); };
  const auto fetched = loader->fetch(config, true);
  display.end();
  if (!fetched) return report(with_flags(fetched.error()), interrupt, loader_status(fetched.error().code));
  if (arguments.json) {
    nlohmann::json json = cached_as_json(fetched->model);
    json["cache_hit"] = fetched->cache_hit;
    print_as_json(json);
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
                  std::println(stderr, "Checking {} ({})", cached_name(model), format_size(model.size_bytes));
              },
              interrupt.token());
  if (!faults) return report(faults.error(), interrupt, loader_status(faults.error().code));
  if (arguments.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& fault : *faults) all.push_back({{"key", shown_key(fault.key)}, {"fault", fault.what}});
    print_as_json({{"models", count}, {"faults", std::move(all)}});
  } else {
    for (const auto& fault : *faults) std::println(stderr, "Error: {}: {}", shown_key(fault.key), fault.what);
    std::println("{} models, {} damaged files", count, faults->size());
  }
  return faults->empty() ? kDone : kModelError;
}

int remove(const ModelsArguments& arguments, const Interrupt& interrupt) {
  const CacheManager cache = make_cache(arguments.loader);
  if (const auto key = find_unreadable(arguments, cache)) {
    if (auto removed = cache.remove(*key); !removed) return report(removed.error(), interrupt, kModelError);
    if (!arguments.quiet) std::println("Removed {}", shown_key(*key));
    return kDone;
  }
  const auto models = find_cached(arguments, cache);
  if (!models) return report(models.error(), interrupt, loader_status(models.error().code));
  for (const auto& model : *models) {
    const auto freed = cache.remove(model.key);
    if (!freed) return report(freed.error(), interrupt, kModelError);
    if (!arguments.quiet) std::println("Removed {} ({})", cached_name(model), format_size(*freed));
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
    for (const auto& model : cleanup->removed) removed.push_back(cached_as_json(model));
    print_as_json({{"removed", std::move(removed)}, {"partial_bytes", *partial}, {"size_bytes", cleanup->size_bytes}});
    return kDone;
  }
  for (const auto& model : cleanup->removed)
    std::println("Removed {} ({})", cached_name(model), format_size(model.freed_bytes.value_or(0)));
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
