#include "llama-embedding/batch_processor.h"

#include <format>

#include "embedder.h"
#include "embedding_stream.h"
#include "llama-base/utf8.h"
#include "llama-embedding/text_file.h"

namespace llama {

struct BatchProcessor::State {
  std::shared_ptr<const EmbeddingModel> model;
  std::int32_t batch_size;
  internal::Embedder embedder;
};

BatchProcessor::BatchProcessor(std::unique_ptr<State> state) : state_(std::move(state)) {}
BatchProcessor::~BatchProcessor() = default;
BatchProcessor::BatchProcessor(BatchProcessor&&) noexcept = default;
BatchProcessor& BatchProcessor::operator=(BatchProcessor&&) noexcept = default;

Result<BatchProcessor> BatchProcessor::create(const std::shared_ptr<const EmbeddingModel>& model,
                                              std::int32_t batch_size) {
  if (model == nullptr) return fail(ErrorCode::InvalidArgument, "a batch processor needs a model");
  if (batch_size < 1) return fail(ErrorCode::InvalidArgument, "the batch size must be at least 1");
  return BatchProcessor(std::unique_ptr<State>(
      new State{.model = model, .batch_size = batch_size, .embedder = internal::Embedder(model, batch_size)}));
}

Result<std::vector<EmbeddingResult>> BatchProcessor::process_batch(std::span<const std::string> texts,
                                                                   const std::stop_token& stop) {
  std::vector<TokenizedText> tokenized;
  std::vector<std::span<const Token>> tokens;
  tokenized.reserve(texts.size());
  tokens.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!internal::is_utf8(texts[i])) return fail(ErrorCode::InvalidText, std::format("text {} is not valid UTF-8", i));
    auto result = state_->model->tokenize(texts[i]);
    if (!result) return fail(result.error().code, std::format("text {}: {}", i, result.error().message));
    tokenized.push_back(std::move(*result));
  }
  for (const auto& text : tokenized) tokens.emplace_back(text.tokens);
  auto rows = state_->embedder.embed(tokens, stop);
  if (!rows) return std::unexpected(rows.error());

  std::vector<EmbeddingResult> results;
  results.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if ((*rows)[i].vector.empty()) {
      const Error error = internal::no_finite_vector();
      return fail(error.code, std::format("text {}: {}", i, error.message));
    }
    results.push_back({.text = texts[i],
                       .text_hash = md5_hex(texts[i]),
                       .embedding = std::move((*rows)[i].vector),
                       .sequence_length = static_cast<std::uint32_t>(tokens[i].size()),
                       .processing_time_ms = (*rows)[i].time_ms,
                       .truncated = tokenized[i].truncated,
                       .row = i});
  }
  return results;
}

Result<EmbeddingStream> BatchProcessor::process_source(std::unique_ptr<TextSource> source,
                                                       StreamOptions options) const {
  if (source == nullptr) return fail(ErrorCode::InvalidArgument, "a stream needs a source of texts");
  return EmbeddingStream(std::make_unique<EmbeddingStream::State>(state_->model, state_->batch_size, std::move(source),
                                                                  std::move(options)));
}

Result<EmbeddingStream> BatchProcessor::process_file(const std::filesystem::path& input, StreamOptions options) const {
  auto file = TextFile::open(input);
  if (!file) return std::unexpected(file.error());
  return process_source(std::move(*file), std::move(options));
}

}  // namespace llama
