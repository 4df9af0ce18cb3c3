#include "embedding_stream.h"

#include <algorithm>
#include <exception>
#include <format>
#include <iterator>
#include <new>
#include <utility>

namespace llama {
namespace {

// Where a window is to take a certain time: the first one, and the smallest that still fills some passes.
constexpr std::size_t kFirstTokens = 32 << 10;
constexpr std::size_t kFewestTokens = 4 << 10;

// So that each lane has some passes: at a window's end the others wait for the last.
constexpr std::size_t kTextsOfLane = 256;

}  // namespace

EmbeddingStream::EmbeddingStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingStream::~EmbeddingStream() = default;
EmbeddingStream::EmbeddingStream(EmbeddingStream&&) noexcept = default;
EmbeddingStream& EmbeddingStream::operator=(EmbeddingStream&&) noexcept = default;
Result<std::optional<EmbeddingResult>> EmbeddingStream::next() { return state_->next(); }
Result<std::vector<RowResult>> EmbeddingStream::next_rows() { return state_->next_rows(); }
const BatchStatistics& EmbeddingStream::statistics() const { return state_->statistics; }

EmbeddingStream::State::State(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size,
                              std::unique_ptr<TextSource> source, StreamOptions options)
    : options_(std::move(options)),
      embedder_(model, batch_size),
      reader_(std::move(model), std::move(source)),
      window_texts_(std::max(internal::WindowBounds{}.texts, embedder_.most_lanes() * kTextsOfLane)),
      window_tokens_(options_.window_time.count() > 0 ? kFirstTokens : internal::WindowBounds{}.tokens),
      stopped_(options_.stop, [this] { end_.request_stop(); }),
      reading_([this](const std::stop_token& stop) { read_ahead(stop); }),
      computing_([this] { compute_ahead(); }) {}

EmbeddingStream::State::~State() { end_.request_stop(); }  // the threads are joined first

internal::WindowBounds EmbeddingStream::State::window_bounds() const {
  return {.texts = window_texts_, .tokens = window_tokens_};
}

// While a window waits to be computed, what the source sends after a pause joins it: a program that writes a little at
// a time gets small windows while the model is idle, and full ones while it is busy.
bool EmbeddingStream::State::hand_over(internal::Window window, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return !ahead_ || ahead_->has_room_for(window, window_bounds()); }))
    return false;
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
      window = reader_.read(window_bounds(), stop);
    } catch (const std::bad_alloc&) {
      window = broken_off(ErrorCode::OutOfMemory, "no memory to read the next texts");
    } catch (const std::exception& thrown) {  // a source of somebody else's
      window = broken_off(ErrorCode::Internal, std::format("reading the texts failed: {}", thrown.what()));
    }
    more = !window.last;
    if (!hand_over(std::move(window), stop)) return;
  }
}

std::optional<internal::Window> EmbeddingStream::State::take_window() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, end_.get_token(), [&] { return ahead_.has_value(); })) return std::nullopt;
  auto window = std::exchange(ahead_, std::nullopt);
  changed_.notify_all();
  return window;
}

bool EmbeddingStream::State::deliver(internal::AnsweredWindow window) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, end_.get_token(), [&] { return !answered_; })) return false;
  answered_ = std::move(window);
  changed_.notify_all();
  return true;
}

void EmbeddingStream::State::compute_ahead() {
  for (bool more = true; more;) {
    auto window = take_window();
    if (!window) return;
    internal::AnsweredWindow answered = answer(*window);
    more = !answered.last;
    if (!deliver(std::move(answered))) return;
  }
}

internal::AnsweredWindow EmbeddingStream::State::answer(internal::Window& window) {
  internal::AnsweredWindow answered;
  Result<void> done{};
  try {
    done = compute(window, answered.rows);
  } catch (const std::bad_alloc&) {
    done = fail(ErrorCode::OutOfMemory, "no memory for the vectors of some texts");
  } catch (const std::exception& thrown) {
    done = fail(ErrorCode::Internal, std::format("computing some texts failed: {}", thrown.what()));
  }
  answered.last = window.last || !done;
  if (!done) {
    answered.rows.clear();
    answered.failure = std::move(done.error());
  } else {
    computed_.skipped += window.skipped;
    answered.read_error = std::move(window.error);
  }
  answered.statistics = computed_;
  return answered;
}

void EmbeddingStream::State::tell_progress() {
  if (!options_.on_progress) return;
  const std::scoped_lock lock(mutex_);
  progress_ = computed_;
  changed_.notify_all();
}

TextFailure EmbeddingStream::State::failure_of(const internal::WindowRow& row, const Error& error) const {
  return {.row = row.row,
          .error = {.code = error.code,
                    .message = std::format("{}: {}", reader_.source().name_of(row.row), error.message)}};
}

Result<void> EmbeddingStream::State::compute(internal::Window& window, std::deque<RowResult>& rows) {
  std::vector<internal::WindowRow*> good;
  std::vector<std::span<const Token>> tokens;
  for (auto& row : window.rows) {
    if (row.tokens) {
      good.push_back(&row);
      tokens.emplace_back(row.tokens->tokens);
      continue;
    }
    ++computed_.failed;
    computed_.bytes += row.text.size();
    if (options_.stop_on_error) return std::unexpected(failure_of(row, row.tokens.error()).error);
  }
  const std::uint64_t before = computed_.texts;
  const auto started = std::chrono::steady_clock::now();
  auto vectors = embedder_.embed(tokens, end_.get_token(), [&](std::span<const std::size_t> finished) {
    computed_.texts += finished.size();
    for (const std::size_t i : finished) computed_.bytes += good[i]->text.size();
    computed_.batches = embedder_.batches();
    computed_.compute_time = embedder_.compute_time();
    computed_.device = embedder_.device();
    tell_progress();
  });
  computed_.texts = before;  // counted below, without those that have no finite vector
  if (!vectors) return std::unexpected(vectors.error());
  choose_window(window.tokens, std::chrono::steady_clock::now() - started);

  auto vector = vectors->begin();
  for (auto& row : window.rows) {
    if (!row.tokens) {
      rows.emplace_back(std::unexpect, failure_of(row, row.tokens.error()));
      continue;
    }
    internal::EmbeddedText embedded = std::move(*vector++);
    if (embedded.vector.empty()) {
      ++computed_.failed;
      ++computed_.not_finite;
      TextFailure failure = failure_of(row, internal::no_finite_vector());
      if (options_.stop_on_error) return std::unexpected(std::move(failure.error));
      rows.emplace_back(std::unexpect, std::move(failure));
      continue;
    }
    ++computed_.texts;
    computed_.tokens += row.tokens->tokens.size();
    computed_.truncated += row.tokens->truncated ? 1 : 0;
    rows.emplace_back(EmbeddingResult{.text = std::move(row.text),
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
  const double wanted =
      std::clamp(static_cast<double>(tokens) * share, double{kFewestTokens}, double{internal::WindowBounds{}.tokens});
  window_tokens_ = static_cast<std::size_t>(wanted);
}

// Progress is told in order: that of the next window waits for this one's rows.
Result<void> EmbeddingStream::State::fill() {
  std::unique_lock lock(mutex_);
  const auto can_tell = [&] {
    return progress_ && (!answered_ || progress_->batches <= answered_->statistics.batches);
  };
  while (!answered_ || can_tell()) {
    if (!changed_.wait(lock, options_.stop, [&] { return answered_ || progress_; })) {
      over_ = true;
      return fail(ErrorCode::Cancelled, "embedding was stopped");
    }
    if (!can_tell()) continue;
    statistics = *std::exchange(progress_, std::nullopt);
    lock.unlock();
    options_.on_progress(statistics);
    lock.lock();
  }
  internal::AnsweredWindow window = *std::exchange(answered_, std::nullopt);
  changed_.notify_all();
  lock.unlock();
  statistics = std::move(window.statistics);
  over_ = window.last;
  if (window.failure) return std::unexpected(std::move(*window.failure));
  ready_ = std::move(window.rows);
  error_ = std::move(window.read_error);
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
