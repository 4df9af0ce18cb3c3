#include "job_settings.h"

#include <format>
#include <string>
#include <utility>

#include "llama-corpus/vector_store.h"

namespace llama::internal {

Result<void> check_job(const EmbeddingModel& model, const JobOptions& options) {
  const auto invalid = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  if (options.text_columns < 1) return invalid("a job needs at least one column of text");
  if (options.shard.count < 1 || options.shard.index >= options.shard.count)
    return invalid(std::format("there is no shard {} of {}", options.shard.index, options.shard.count));
  if (options.on_long == OnLong::Chunk) {
    if (options.chunk_tokens > model.max_sequence_length()) {
      return invalid(std::format("chunks of {} tokens are longer than the {} that the model reads",
                                 options.chunk_tokens, model.max_sequence_length()));
    }
    const std::int32_t size = options.chunk_tokens > 0 ? options.chunk_tokens : model.max_sequence_length();
    if (options.chunk_tokens < 0 || options.chunk_overlap < 0 || options.chunk_overlap >= size)
      return invalid(std::format("chunks of {} tokens cannot overlap by {}", size, options.chunk_overlap));
  }
  // Each process would choose scales of its own, and their vectors could not be compared.
  if (options.vectors.element == VectorElement::Int8 && !options.vectors.calibration) {
    if (options.shard.count > 1) return invalid("int8 vectors of a shard need a calibration file, the same for all");
    if (options.answers_each_batch) return invalid("int8 vectors of a stream need a calibration file");
  }
  return {};
}

JournalBinding binding_of(const EmbeddingModel& model, const InputIdentity& input, const JobOptions& options) {
  JournalBinding binding{.input = input.what,
                         .input_fingerprint = input.fingerprint,
                         .model = model.metadata().filename,
                         .model_identity = model.metadata().identity,
                         .settings = options.settings,
                         .way_out = options.way_out};
  auto& own = binding.settings;
  own.emplace_back("maximum length", std::to_string(model.max_sequence_length()));
  own.emplace_back("settings of the vectors", vector_settings(model));
  own.emplace_back("kind of vectors", std::to_string(std::to_underlying(options.vectors.element)));
  own.emplace_back("dimensions", std::to_string(options.vectors.dimensions.value_or(model.embedding_dimension())));
  own.emplace_back("prompt", options.prompt ? options.prompt->source() : "");
  own.emplace_back("texts joined by", options.join);
  own.emplace_back("long texts", std::to_string(std::to_underlying(options.on_long)));
  own.emplace_back("chunks", std::format("{} tokens, overlap {}", options.chunk_tokens, options.chunk_overlap));
  own.emplace_back("shard", std::format("{} of {}", options.shard.index, options.shard.count));
  own.emplace_back("token counts", options.columns.token_count.empty() ? "no" : "yes");
  return binding;
}

}  // namespace llama::internal
