#include "embedding_stream.h"

#include <algorithm>
#include <exception>
#include <format>
#include <iterator>
#include <new>
#include <utility>

#include "llama-base/utf8.h"

namespace llama {
namespace {

// A window's bounds: enough texts to fill batches well, little enough memory.
constexpr std::size_t kWindowTexts = 1024;
constexpr std::size_t kWindowBytes = 8 << 20;
constexpr std::size_t kWindowTokens = 256 << 10;
// Where a window is to take a certain time: the first one, and the smallest that still fills some passes.
constexpr std::size_t kFirstTokens = 32 << 10;
constexpr std::size_t kFewestTokens = 4 << 10;

}  // namespace

bool internal::Window::is_full(std::size_t max_tokens) const {
  return rows.size() >= kWindowTexts || bytes >= kWindowBytes || tokens >= max_tokens;
}

bool internal::Window::has_room_for(const Window& more, std::size_t max_tokens) const {
  return !last && !is_full(max_tokens) && rows.size() + more.rows.size() <= kWindowTexts &&
         bytes + more.bytes <= kWindowBytes && tokens + more.tokens <= max_tokens;
}

void internal::Window::append(Window more) {
  rows.insert(rows.end(), std::make_move_iterator(more.rows.begin()), std::make_move_iterator(more.rows.end()));
  bytes += more.bytes;
  tokens += more.tokens;
  skipped += more.skipped;
  error = std::move(more.error);
  last = more.last;
}

EmbeddingStream::EmbeddingStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingStream::~EmbeddingStream() = default;
EmbeddingStream::EmbeddingStream(EmbeddingStream&&) noexcept = default;
EmbeddingStream& EmbeddingStream::operator=(EmbeddingStream&&) noexcept = default;
Result<std::optional<EmbeddingResult>> EmbeddingStream::next() { return state_->next(); }
Result<std::vector<RowResult>> EmbeddingStream::next_rows() { return state_->next_rows(); }
const BatchStatistics& EmbeddingStream::statistics() const { return state_->statistics; }

EmbeddingStream::State::State(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size,
                              std::unique_ptr<TextSource> source, StreamOptions options)
    : model_(std::move(model)),
      embedder_(model_, batch_size),
      source_(std::move(source)),
      options_(std::move(options)),
      window_tokens_(options_.window_time.count() > 0 ? kFirstTokens : kWindowTokens),
      thread_([this](const std::stop_token& stop) { read_ahead(stop); }) {}

EmbeddingStream::State::~State() = default;  // the thread is asked to stop and joined first

void EmbeddingStream::State::add_row(internal::Window& window, SourceText row) const {
  internal::WindowRow entry{.row = row.row, .text = {}, .hash = {}, .tokens = fail(ErrorCode::InvalidText, {})};
  if (!row.text) {
    entry.tokens = std::unexpected(row.text.error());
  } else {
    entry.text = std::move(*row.text);
    if (!internal::is_utf8(entry.text)) {
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
internal::Window EmbeddingStream::State::read_window(const std::stop_token& stop) {
  internal::Window window;
  while (!stop.stop_requested()) {
    while (unread_from_ < unread_.texts.size()) {
      if (window.is_full(window_tokens_)) return window;
      add_row(window, std::move(unread_.texts[unread_from_++]));
    }
    window.skipped += std::exchange(unread_.skipped, 0);
    window.last = unread_.state == SourceState::End;
    const bool pauses = std::exchange(unread_.state, SourceState::More) == SourceState::Pause;
    if (window.last || window.is_full(window_tokens_) || (pauses && !window.rows.empty())) return window;
    auto batch =
        source_->next({.max_texts = kWindowTexts - window.rows.size(), .max_bytes = kWindowBytes - window.bytes}, stop);
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

// While a window waits to be computed, what the source sends after a pause joins it: a program that writes a little at
// a time gets small windows while the model is idle, and full ones while it is busy.
bool EmbeddingStream::State::hand_over(internal::Window window, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return !ahead_ || ahead_->has_room_for(window, window_tokens_); })) return false;
  if (ahead_) {
    ahead_->append(std::move(window));
  } else {
    ahead_ = std::move(window);
  }
  changed_.notify_all();
  return true;
}

void EmbeddingStream::State::read_ahead(const std::stop_token& stop) {
  const auto broken_off = [](ErrorCode code, std::string why) {
    internal::Window window;
    window.error = Error{code, std::move(why)};
    window.last = true;
    return window;
  };
  for (bool more = true; more && !stop.stop_requested();) {
    internal::Window window;
    try {
      window = read_window(stop);
    } catch (const std::bad_alloc&) {
      window = broken_off(ErrorCode::OutOfMemory, "no memory to read the next texts");
    } catch (const std::exception& thrown) {  // a source of somebody else's
      window = broken_off(ErrorCode::Internal, std::format("reading the texts failed: {}", thrown.what()));
    }
    more = !window.last;
    if (!hand_over(std::move(window), stop)) return;
  }
}

Result<internal::Window> EmbeddingStream::State::take_window() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, options_.stop, [&] { return ahead_.has_value(); }))
    return fail(ErrorCode::Cancelled, "embedding was stopped");
  internal::Window window = std::move(*ahead_);
  ahead_.reset();
  changed_.notify_all();
  return window;
}

TextFailure EmbeddingStream::State::failure_of(const internal::WindowRow& row, const Error& error) const {
  return {.row = row.row,
          .error = {.code = error.code, .message = std::format("{}: {}", source_->name_of(row.row), error.message)}};
}

Result<void> EmbeddingStream::State::compute(internal::Window& window) {
  std::vector<internal::WindowRow*> good;
  std::vector<std::span<const Token>> tokens;
  for (auto& row : window.rows) {
    if (row.tokens) {
      good.push_back(&row);
      tokens.emplace_back(row.tokens->tokens);
      continue;
    }
    ++statistics.failed;
    statistics.bytes += row.text.size();
    if (options_.stop_on_error) return std::unexpected(failure_of(row, row.tokens.error()).error);
  }
  const std::uint64_t before = statistics.texts;
  const auto started = std::chrono::steady_clock::now();
  auto vectors = embedder_.embed(tokens, options_.stop, [&](std::span<const std::size_t> finished) {
    statistics.texts += finished.size();
    for (const std::size_t i : finished) statistics.bytes += good[i]->text.size();
    statistics.batches = embedder_.batches();
    statistics.compute_time = embedder_.compute_time();
    statistics.device = embedder_.device();
    if (options_.on_progress) options_.on_progress(statistics);
  });
  statistics.texts = before;  // counted below, without those that have no finite vector
  if (!vectors) return std::unexpected(vectors.error());
  choose_window(window.tokens, std::chrono::steady_clock::now() - started);

  auto vector = vectors->begin();
  for (auto& row : window.rows) {
    if (!row.tokens) {
      ready_.emplace_back(std::unexpect, failure_of(row, row.tokens.error()));
      continue;
    }
    internal::EmbeddedText embedded = std::move(*vector++);
    if (embedded.vector.empty()) {
      ++statistics.failed;
      ++statistics.not_finite;
      TextFailure failure = failure_of(row, internal::no_finite_vector());
      if (options_.stop_on_error) return std::unexpected(std::move(failure.error));
      ready_.emplace_back(std::unexpect, std::move(failure));
      continue;
    }
    ++statistics.texts;
    statistics.tokens += row.tokens->tokens.size();
    statistics.truncated += row.tokens->truncated ? 1 : 0;
    ready_.emplace_back(EmbeddingResult{.text = std::move(row.text),
                                        .text_hash = std::move(row.hash),
                                        .embedding = std::move(embedded.vector),
                                        .sequence_length = static_cast<std::uint32_t>(row.tokens->tokens.size()),
                                        .processing_time_ms = embedded.time_ms,
                                        .truncated = row.tokens->truncated,
                                        .row = row.row});
  }
  return {};
}

void EmbeddingStream::State::choose_window(std::size_t tokens, std::chrono::steady_clock::duration time) {
  if (options_.window_time.count() <= 0 || tokens < kFewestTokens || time.count() <= 0) return;
  const double share = std::chrono::duration<double>(options_.window_time) / std::chrono::duration<double>(time);
  const double wanted = std::clamp(static_cast<double>(tokens) * share, double{kFewestTokens}, double{kWindowTokens});
  window_tokens_ = static_cast<std::size_t>(wanted);
}

Result<void> EmbeddingStream::State::fill() {
  auto window = take_window();
  auto done = window ? compute(*window) : std::unexpected(window.error());
  if (!done) {
    over_ = true;
    ready_.clear();
    return done;
  }
  statistics.skipped += window->skipped;
  over_ = window->last;
  error_ = std::move(window->error);
  return {};
}

Result<std::vector<RowResult>> EmbeddingStream::State::next_rows() {
  while (ready_.empty()) {
    if (error_) return std::unexpected(*std::exchange(error_, std::nullopt));
    if (over_) return {};
    if (auto filled = fill(); !filled) return std::unexpected(filled.error());
  }
  std::vector<RowResult> rows(std::make_move_iterator(ready_.begin()), std::make_move_iterator(ready_.end()));
  ready_.clear();
  return rows;
}

Result<std::optional<EmbeddingResult>> EmbeddingStream::State::next() {
  for (;;) {
    while (!ready_.empty()) {
      RowResult row = std::move(ready_.front());
      ready_.pop_front();
      if (row) return std::move(*row);
      if (options_.on_failure) options_.on_failure(row.error());
    }
    if (error_) return std::unexpected(*std::exchange(error_, std::nullopt));
    if (over_) return std::nullopt;
    if (auto filled = fill(); !filled) return std::unexpected(filled.error());
  }
}

}  // namespace llama
