#include "window_reader.h"

#include <iterator>

#include "llama-base/utf8.h"

namespace llama::internal {

bool Window::is_full(const WindowBounds& bounds) const {
  return rows.size() >= bounds.texts || bytes >= bounds.bytes || tokens >= bounds.tokens;
}

bool Window::has_room_for(const Window& more, const WindowBounds& bounds) const {
  return !last && !is_full(bounds) && rows.size() + more.rows.size() <= bounds.texts &&
         bytes + more.bytes <= bounds.bytes && tokens + more.tokens <= bounds.tokens;
}

void Window::append(Window more) {
  rows.insert(rows.end(), std::make_move_iterator(more.rows.begin()), std::make_move_iterator(more.rows.end()));
  bytes += more.bytes;
  tokens += more.tokens;
  skipped += more.skipped;
  error = std::move(more.error);
  last = more.last;
}

void WindowReader::add_row(Window& window, SourceText row) const {
  WindowRow entry{.row = row.row, .text = {}, .hash = {}, .tokens = fail(ErrorCode::InvalidText, {})};
  if (!row.text) {
    entry.tokens = std::unexpected(row.text.error());
  } else {
    entry.text = std::move(*row.text);
    if (!is_utf8(entry.text)) {
      entry.tokens = fail(ErrorCode::InvalidText, "not valid UTF-8");
    } else {
      entry.tokens = model_->tokenize(entry.text);
      entry.hash = md5_hex(entry.text);
    }
  }
  window.bytes += entry.text.size();
  if (entry.tokens) window.tokens += entry.tokens->tokens.size();
  window.rows.push_back(std::move(entry));
}

// A window ends where it is full, or where the source has nothing more for now or for good. What a batch has beyond a
// full window (the source counts bytes, the window tokens as well) waits in unread_ for the next one, and the batch's
// state holds from its last text on. Cost: one window of texts, and one batch of the source's.
Window WindowReader::read(const WindowBounds& bounds, const std::stop_token& stop) {
  Window window;
  while (!stop.stop_requested()) {
    while (unread_from_ < unread_.texts.size()) {
      if (window.is_full(bounds)) return window;
      add_row(window, std::move(unread_.texts[unread_from_++]));
    }
    window.skipped += std::exchange(unread_.skipped, 0);
    window.last = unread_.state == SourceState::End;
    const bool pauses = std::exchange(unread_.state, SourceState::More) == SourceState::Pause;
    if (window.last || window.is_full(bounds) || (pauses && !window.rows.empty())) return window;
    auto batch =
        source_->next({.max_texts = bounds.texts - window.rows.size(), .max_bytes = bounds.bytes - window.bytes}, stop);
    if (!batch) {
      window.error = batch.error();
      window.last = true;
      return window;
    }
    unread_ = std::move(*batch);
    unread_from_ = 0;
  }
  return window;
}

}  // namespace llama::internal
