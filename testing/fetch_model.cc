// Fetch a model as a program that uses llama-loader does, with settings that tests need:
//
//   fetch_model CACHE REPO[:QUANT] [delay=MS] [lanes=N] [limit=BYTES] [retries=N] [file=NAME] [revision=REV]
//   [hold=SECONDS] [again]
//   fetch_model CACHE hf://datasets/… [the same] [cached]
//
// Prints "ok HIT PATH…" or "error CODE MESSAGE" on stdout, messages on stderr. hold: keeps the loaded model for so
// long. again: asks the hub although the cache may have the model. Of a data set "ok HIT COMMIT", and a line per file:
// its path, where it is, its size, its digest, with tabs between. cached: does not ask the hub for what the cache has.
// SIGINT stops.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <print>
#include <string>
#include <thread>

#include "llama-loader/dataset_files.h"
#include "llama-loader/model_loader.h"

namespace {

std::stop_source stop;  // NOLINT: signals know no arguments

const char* name_of(llama::ErrorCode code) {
  using enum llama::ErrorCode;
  switch (code) {
    case InvalidArgument:
      return "InvalidArgument";
    case NotFound:
      return "NotFound";
    case InvalidModel:
      return "InvalidModel";
    case Io:
      return "Io";
    case NoSpace:
      return "NoSpace";
    case AccessDenied:
      return "AccessDenied";
    case RateLimited:
      return "RateLimited";
    case Network:
      return "Network";
    case Offline:
      return "Offline";
    case Corrupt:
      return "Corrupt";
    case Cancelled:
      return "Cancelled";
    default:
      return "other";
  }
}

int failed(const llama::Error& error) {
  std::println("error {} {}", name_of(error.code), error.message);
  return 1;
}

int fetch_dataset(const std::string& uri, const llama::DatasetLoader& loader, bool ask_hub, std::int64_t hold) {
  const auto source = llama::parse_dataset_uri(uri);
  if (!source) return failed(source.error());
  const auto fetched =
      loader.fetch(*source, {.ask_hub = ask_hub,
                             .on_message = [](std::string_view line) { std::println(stderr, "{}", line); },
                             .stop = stop.get_token()});
  if (!fetched) return failed(fetched.error());
  std::println("ok {} {}", fetched->cache_hit ? "hit" : "new", fetched->commit);
  for (const auto& file : fetched->files) {
    std::println("{}\t{}\t{}\t{}", file.path, file.file.string(), file.size_bytes,
                 file.sha256.empty() ? file.git_sha1 : file.sha256);
  }
  std::fflush(stdout);
  if (hold > 0) std::this_thread::sleep_for(std::chrono::seconds(hold));
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return std::println(stderr, "usage: fetch_model CACHE REPO [NAME=VALUE…]"), 2;
  auto settings = llama::HubSettings::from_environment();
  if (!settings) return failed(settings.error());
  llama::RetryConfig retry;
  llama::CacheManager cache(arguments[0]);
  std::string file, revision = "main";
  std::int64_t hold = -1;
  bool again = false, cached = false;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals),
                      text = equals == std::string::npos ? "" : argument.substr(equals + 1);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (name == "delay") retry.initial_delay = std::chrono::milliseconds(number);
    if (name == "lanes") settings->lanes = static_cast<int>(number);
    if (name == "limit") cache.with_max_size_bytes(static_cast<std::uint64_t>(number));
    if (name == "retries") retry.max_retries = static_cast<int>(number);
    if (name == "file") file = text;
    if (name == "revision") revision = text;
    if (name == "hold") hold = number;
    if (name == "again") again = true;
    if (name == "cached") cached = true;
  }
  if (llama::is_dataset_uri(arguments[1]))
    return fetch_dataset(arguments[1], llama::DatasetLoader(cache, retry, *settings), !cached, hold);
  auto source = llama::ModelSource::parse(arguments[1], file.empty() ? std::nullopt : std::optional(file));
  if (!source) return failed(source.error());
  if (const auto* remote = source->hugging_face()) {
    auto with_revision = *remote;
    with_revision.revision = revision;
    source = llama::ModelSource(with_revision);
  }
  llama::ModelConfig config{.source = *source, .on_progress = {}, .stop = stop.get_token()};
  config.on_message = [](std::string_view line) { std::println(stderr, "{}", line); };
  const llama::ModelLoader loader(cache, retry, *settings);
  if (hold >= 0) {
    const auto loaded = loader.load_model(config);
    if (!loaded) return failed(loaded.error());
    std::println("ok {} {}", loaded->metadata.cache_hit ? "hit" : "new", loaded->path.string());
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(hold));
    return 0;
  }
  const auto fetched = loader.fetch(config, again);
  if (!fetched) return failed(fetched.error());
  std::print("ok {}", fetched->cache_hit ? "hit" : "new");
  for (const auto& path : fetched->model.paths()) std::print(" {}", path.string());
  std::println("");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, [](int) { stop.request_stop(); });
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error like a full disk
  return run({argv + 1, argv + argc});
}
