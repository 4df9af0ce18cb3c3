#include "calibration.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "llama-base/digest.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_file.h"
#include "llama-embedding/text_list.h"
#include "row_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxTexts = 10'000;

Result<std::vector<SourceText>> read_texts(const std::filesystem::path& file, const std::stop_token& stop) {
  auto source = TextFile::open(file);
  if (!source) return std::unexpected(source.error());
  std::vector<SourceText> texts;
  while (texts.size() < kMaxTexts) {
    auto batch = (*source)->next({.max_texts = kMaxTexts - texts.size(), .max_bytes = 1 << 20}, stop);
    if (!batch) return std::unexpected(batch.error());
    std::ranges::move(batch->texts, std::back_inserter(texts));
    if (batch->state == SourceState::End) break;
  }
  return texts;
}

void put_prompt_around(std::vector<SourceText>& texts, const JobOptions& options) {
  const std::size_t columns = options.prompt ? options.prompt->columns().size() : 0;
  for (SourceText& text : texts) {
    if (!text.text) continue;
    const Row row{.number = text.row, .cells = std::vector<Cell>(options.text_columns + columns)};
    text.text = prompted(*text.text, row, options);
  }
}

}  // namespace

Result<std::vector<std::vector<float>>> calibration_vectors(const std::shared_ptr<const EmbeddingModel>& model,
                                                            const std::filesystem::path& file,
                                                            const JobOptions& options) {
  auto texts = read_texts(file, options.stop);
  if (!texts) return std::unexpected(texts.error());
  put_prompt_around(*texts, options);
  const auto processor = BatchProcessor::create(model, options.batch_size);
  if (!processor) return std::unexpected(processor.error());
  StreamOptions stream_options;
  stream_options.stop = options.stop;
  auto stream = processor->process_source(std::make_unique<TextList>(std::move(*texts)), stream_options);
  if (!stream) return std::unexpected(stream.error());
  std::vector<std::vector<float>> vectors;
  for (;;) {
    auto result = stream->next();
    if (!result) return std::unexpected(result.error());
    if (!*result) break;
    vectors.push_back(std::move((*result)->embedding));
  }
  if (vectors.empty()) {
    return fail(ErrorCode::InvalidArgument,
                std::format("'{}' has no text to take scales for int8 vectors from", file.string()));
  }
  return vectors;
}

}  // namespace llama::internal

namespace llama {

Result<std::string> calibration_digest(const std::filesystem::path& file, const std::stop_token& stop) {
  const auto texts = internal::read_texts(file, stop);
  if (!texts) return std::unexpected(texts.error());
  internal::Hasher hasher(internal::DigestKind::Sha256, 0);
  for (const SourceText& text : *texts) {
    // A text has no line break, so that no two lists give the same bytes.
    const std::string line = text.text ? *text.text + "\n" : "\n";
    hasher.update(std::as_bytes(std::span(line)));
  }
  return hasher.finish().hex;
}

}  // namespace llama
