#include "embed/embed_manifest.h"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "exit_status.h"
#include "llama-base/file_digest.h"
#include "llama-corpus/shard_check.h"
#include "progress.h"

namespace llama {
namespace {

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

}  // namespace

Result<std::string> digest_of_model(const ModelMetadata& model, const std::stop_token& stop) {
  const LocalSource* local = model.source.local();
  if (!model.sha256.empty() || local == nullptr) return model.sha256;
  return internal::digest_of_file(local->folder / model.filename, internal::DigestKind::Sha256, {}, stop)
      .transform([](const internal::Digest& digest) { return digest.hex; });
}

ShardManifest plan_manifest(const JobOptions& options, const InputIdentity& input, std::string model_digest) {
  ShardManifest manifest{.shard = options.shard,
                         .settings = options.settings,
                         .input = input.what,
                         .input_fingerprint = input.content,
                         .model = std::move(model_digest),
                         .counts = {},
                         .parts = {}};
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

Step<bool> is_done_shard(const EmbedArguments& arguments, const ShardManifest& planned, const Console& console) {
  const auto there = check_shard(arguments.output.path, planned, {});
  if (!there) return stop_with(there.error(), kOutputError);
  if (there->state != ShardState::Whole)
    return stop_with({ErrorCode::Io,
                      std::format("shard {}/{} is there already in '{}': {}; --force replaces it", planned.shard.index,
                                  planned.shard.count, arguments.output.path.string(), there->reason)},
                     kOutputError);
  console.line("Shard {}/{} is done already: {} rows out (--force computes it again)", planned.shard.index,
               planned.shard.count, with_thousands(there->manifest->counts.rows_out));
  if (!arguments.json) return true;
  auto printed = print_json_of_done(arguments, *there->manifest);
  if (!printed) return stop_with(printed.error(), kOutputError);
  return true;
}

}  // namespace llama
