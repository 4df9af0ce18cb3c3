#include "embed/dataset_input.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <system_error>

#include "exit_status.h"
#include "llama-loader/dataset_files.h"
#include "progress.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSampledBytes = 20'000'000;  // a dry run fetches so much without asking what it is for

std::uint64_t size_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;
}

class Fetcher {
 public:
  Fetcher(const DatasetLoader& loader, const Interrupt& interrupt, const Console& console)
      : loader_(loader), interrupt_(interrupt), console_(console) {}

  // all_bytes: of what the whole would be.
  Result<DatasetFiles> sample(const DatasetSource& source, std::uint64_t& all_bytes) {
    std::stop_source stop;
    const std::stop_callback interrupted(interrupt_.token(), [&] { stop.request_stop(); });
    std::optional<DownloadProgress> large;
    auto files = fetch(source, stop.get_token(), [&](const DownloadProgress& now) {
      if (large || now.file_count < 2 || now.all_size - now.all_done < kSampledBytes) return;
      large = now;
      stop.request_stop();
    });
    if (files || !large || interrupt_.token().stop_requested()) return files;
    console_.line("{} has {} files to fetch, {}; the dry run takes {} alone", source.to_string(), large->file_count,
                  format_size(large->all_size), large->file);
    DatasetSource one = source;
    one.pattern = large->file;
    all_bytes = large->all_size;
    return fetch(one, interrupt_.token(), {});
  }

  Result<DatasetFiles> whole(const DatasetSource& source) { return fetch(source, interrupt_.token(), {}); }

 private:
  Result<DatasetFiles> fetch(const DatasetSource& source, const std::stop_token& stop,
                             const std::function<void(const DownloadProgress&)>& on_download) {
    DownloadDisplay display(console_.quiet, console_.terminal);
    auto files = loader_.fetch(source, {.on_download =
                                            [&](const DownloadProgress& now) {
                                              display.update(now);
                                              if (on_download) on_download(now);
                                            },
                                        .on_message = [&](std::string_view line) { display.say(line); },
                                        .stop = stop});
    display.end();
    return files;
  }

  const DatasetLoader& loader_;
  const Interrupt& interrupt_;
  const Console& console_;
};

}  // namespace

Step<DatasetInput> fetch_datasets(const EmbedArguments& arguments, const std::vector<std::string>& paths,
                                  const Interrupt& interrupt, const Console& console) {
  DatasetInput input;
  std::uint64_t there = 0, all = 0;
  for (const std::string& path : paths) {
    if (!is_dataset_uri(path)) {
      input.paths.push_back(path);
      there += size_of(path);
      all += size_of(path);
      continue;
    }
    const auto source = parse_dataset_uri(path);
    if (!source) return stop_with(source.error(), kUsageError);
    auto settings = HubSettings::from_environment(interrupt.token());
    if (!settings) return stop_with(settings.error(), kUsageError);
    settings->offline = settings->offline || arguments.loader.offline;
    const DatasetLoader loader(make_cache(arguments.loader), {}, std::move(*settings));
    Fetcher fetcher(loader, interrupt, console);
    std::uint64_t whole_bytes = 0;
    auto files = arguments.dry_run ? fetcher.sample(*source, whole_bytes) : fetcher.whole(*source);
    if (!files) {
      const int status = loader_status(files.error().code);
      return stop_with(with_flags(files.error()), status == kModelError ? kInputError : status);
    }
    std::uint64_t fetched = 0;
    for (const DatasetFile& file : files->files) {
      input.paths.push_back(file.file.string());
      input.digests[input.paths.back()] = file.sha256.empty() ? file.git_sha1 : file.sha256;
      fetched += file.size_bytes;
    }
    there += fetched;
    all += whole_bytes > 0 ? whole_bytes : fetched;
    input.uses.push_back(files->use);
  }
  if (all > there) input.share = static_cast<double>(there) / static_cast<double>(all);
  return input;
}

}  // namespace llama
