#include "embed/embed_manifest.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "exit_status.h"
#include "llama-base/digest.h"
#include "llama-corpus/shard_check.h"
#include "llama-loader/model_loader.h"
#include "progress.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

// Of a file that is gone 0, and the reader says so.
std::int64_t modified_ns(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return 0;
#ifdef __APPLE__
  const timespec& modified = status.st_mtimespec;
#else
  const timespec& modified = status.st_mtim;
#endif
  return static_cast<std::int64_t>(modified.tv_sec) * 1'000'000'000 + modified.tv_nsec;
}

std::uint64_t size_of_file(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;
}

Result<void> print_json_of_done(const EmbedArguments& arguments, const ShardManifest& manifest) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const ShardPart& part : manifest.parts)
    parts.push_back(
        {{"path", (arguments.output.path / part.file).string()}, {"rows", part.rows}, {"bytes", part.size_bytes}});
  const ShardCounts& c = manifest.counts;
  const nlohmann::ordered_json summary = {{"rows_in", c.rows_in},
                                          {"embedded", c.embedded},
                                          {"null", c.null},
                                          {"skipped", c.skipped},
                                          {"rows_out", c.rows_out},
                                          {"computed", 0},
                                          {"output", arguments.output.path.string()},
                                          {"parts", std::move(parts)}};
  return print_result(summary.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// What tells the input's files from those of another time: their times, or where the hub tells it the content itself.
std::string times_of(const InputIdentity& input, const std::map<std::string, std::string>& digests) {
  std::string lines;
  for (const std::string& file : input.sources) {
    const auto known = digests.find(file);
    const std::string mark = known != digests.end() ? known->second : std::to_string(modified_ns(file));
    lines += std::format("{}\n{}\n{}\n", fs::path(file).filename().string(), size_of_file(file), mark);
  }
  return internal::digest_of(lines, internal::DigestKind::Sha256).hex;
}

// The first of the input's files that was; "" where none was.
std::string written_since(const InputIdentity& input, const fs::path& manifest) {
  for (const std::string& file : input.sources)
    if (modified_ns(file) > modified_ns(manifest)) return file;
  return "";
}

Result<std::string> digest_of_model(const ModelMetadata& model, const std::stop_token& stop) {
  const LocalSource* local = model.source.local();
  if (!model.sha256.empty() || local == nullptr) return model.sha256;
  return digest_of_local_model(*local, stop);
}

}  // namespace

Step<ShardManifest> plan_manifest(const JobOptions& options, const EmbedInput& input, const ModelMetadata& model) {
  auto model_digest = digest_of_model(model, options.stop);
  if (!model_digest) return stop_with(model_digest.error(), kModelError);
  const InputIdentity identity = input.reader->identity();
  ShardManifest manifest{.shard = options.shard,
                         .settings = options.settings,
                         .input = identity.what,
                         .input_fingerprint = identity.content,
                         .model = std::move(*model_digest),
                         .input_times = times_of(identity, input.digests),
                         .counts = {},
                         .parts = {}};
  if (options.vectors.calibration) {
    auto digest = calibration_digest(*options.vectors.calibration, options.stop);
    if (!digest) return stop_with(digest.error(), kInputError);
    manifest.calibration = std::move(*digest);
  }
  std::erase_if(manifest.settings, [](const auto& setting) { return setting.first == "--shard"; });
  return manifest;
}

ShardManifest filled_manifest(ShardManifest manifest, const JobSummary& summary) {
  manifest.counts = {.rows_in = summary.rows_in,
                     .embedded = summary.embedded,
                     .null = summary.null,
                     .skipped = summary.rows_in - summary.embedded - summary.null,
                     .rows_out = summary.rows_out};
  for (const WrittenPart& part : summary.output.parts)
    manifest.parts.push_back({part.path.filename().string(), part.rows, part.size_bytes});
  return manifest;
}

Step<bool> is_done_shard(const EmbedArguments& arguments, const ShardManifest& planned, const InputIdentity& input,
                         const Console& console) {
  const auto is_other = [&](std::string_view why) {
    return stop_with(
        {ErrorCode::Io, std::format("shard {}/{} is there already in '{}': {}; --force replaces it",
                                    planned.shard.index, planned.shard.count, arguments.output.path.string(), why)},
        kOutputError);
  };
  const auto there = check_shard(arguments.output.path, planned, {});
  if (!there) return stop_with(there.error(), kOutputError);
  if (there->state != ShardState::Whole) return is_other(there->reason);
  if (there->manifest->input_times.empty()) {
    if (const std::string file = written_since(input, manifest_path(arguments.output.path, planned.shard));
        !file.empty())
      return is_other(std::format("its input '{}' was written after it", file));
    tell(
        "Warning: shard {}/{} is of an older version, which did not note when its input was written: it is taken for "
        "done because names and sizes are the same and nothing was written since; --force computes it again",
        planned.shard.index, planned.shard.count);
  }
  console.line("Shard {}/{} is done already: {} rows out (--force computes it again)", planned.shard.index,
               planned.shard.count, with_thousands(there->manifest->counts.rows_out));
  if (!arguments.json) return true;
  auto printed = print_json_of_done(arguments, *there->manifest);
  if (!printed) return stop_with(printed.error(), kOutputError);
  return true;
}

}  // namespace llama
