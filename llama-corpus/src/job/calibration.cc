#include "calibration.h"

#include <format>
#include <utility>

#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_file.h"
#include "llama-embedding/text_list.h"
#include "row_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxTexts = 10'000;

Result<std::vector<SourceText>> read_texts(const std::filesystem::path& file, const JobOptions& options) {
  auto source = TextFile::open(file);
  if (!source) return std::unexpected(source.error());
  const std::size_t columns = options.prompt ? options.prompt->columns().size() : 0;
  std::vector<SourceText> texts;
  while (texts.size() < kMaxTexts) {
    auto batch = (*source)->next({.max_texts = kMaxTexts - texts.size(), .max_bytes = 1 << 20}, options.stop);
    if (!batch) return std::unexpected(batch.error());
    for (SourceText& text : batch->texts) {
      if (text.text) {
        Row row{.number = text.row, .cells = std::vector<Cell>(options.text_columns + columns)};
        text.text = prompted(*text.text, row, options);
      }
      texts.push_back(std::move(text));
    }
    if (batch->state == SourceState::End) break;
  }
  return texts;
}

}  // namespace

Result<std::vector<std::vector<float>>> calibration_vectors(const std::shared_ptr<const EmbeddingModel>& model,
                                                            const std::filesystem::path& file,
                                                            const JobOptions& options) {
  auto texts = read_texts(file, options);
  if (!texts) return std::unexpected(texts.error());
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
