#include "embed/embed_manifest.h"

#include <utility>

#include "llama-base/file_digest.h"

namespace llama {

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

}  // namespace llama
