// Load a model by its name, from this machine or from the hub: load_model org/name[:QUANT] | FOLDER | FILE.gguf
#include <llama-loader/model_loader.h>
#include <print>

int main(int argc, char** argv) {
  if (argc != 2) return std::println(stderr, "usage: load_model MODEL"), 2;
  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;

  llama::ModelConfig config{.source = *source, .on_progress = {}, .stop = {}};
  config.on_download = [](const llama::DownloadProgress& progress) {
    std::print(stderr, "\r{} of {} bytes", progress.all_done, progress.all_size);
  };
  config.on_message = [](std::string_view line) { std::println(stderr, "{}", line); };

  const llama::ModelLoader loader;  // 50 GB of cache, three retries, the environment's HF_ variables
  const auto loaded = loader.load_model(config);
  if (!loaded) return std::println(stderr, "{}", loaded.error().message), 1;
  std::println("{}: {} bytes, {} dimensions, {}", loaded->path.string(), loaded->metadata.size_bytes,
               loaded->model->embedding_dimension(), loaded->metadata.cache_hit ? "from the cache" : "new");
}
