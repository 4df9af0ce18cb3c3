// Read a source's texts in windows: some rows in order, tokenized together so that batches are full.
//
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama-embedding/embedding_model.h"
#include "llama-embedding/text_source.h"

namespace llama::internal {

// Enough texts to fill batches well, little enough memory.
struct WindowBounds {
  std::size_t texts = 1024;
  std::size_t bytes = 8 << 20;
  std::size_t tokens = 256 << 10;
};

struct WindowRow {
  std::uint64_t row = 0;
  std::string text;
  std::string hash;
  Result<TokenizedText> tokens;  // or why the row fails
};

struct Window {
  std::vector<WindowRow> rows;
  std::size_t bytes = 0, tokens = 0;  // of the rows
  std::uint64_t skipped = 0;          // rows without text between them
  std::optional<Error> error;         // reading broke off after these rows
  bool last = false;

  [[nodiscard]] bool is_full(const WindowBounds& bounds) const;
  // Both together are within the bounds of one.
  [[nodiscard]] bool has_room_for(const Window& more, const WindowBounds& bounds) const;
  void append(Window more);
};

class WindowReader {
 public:
  WindowReader(std::shared_ptr<const EmbeddingModel> model, std::unique_ptr<TextSource> source)
      : model_(std::move(model)), source_(std::move(source)) {}

  [[nodiscard]] Window read(const WindowBounds& bounds, const std::stop_token& stop);
  [[nodiscard]] const TextSource& source() const { return *source_; }

 private:
  void add_row(Window& window, SourceText row) const;

  std::shared_ptr<const EmbeddingModel> model_;
  std::unique_ptr<TextSource> source_;
  SourceBatch unread_;           // of the source's last batch: what is in no window yet
  std::size_t unread_from_ = 0;  // its first text that is not
};

}  // namespace llama::internal
