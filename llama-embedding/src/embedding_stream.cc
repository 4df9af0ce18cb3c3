#include "embedding_stream.h"

#include <format>

namespace llama {
namespace {

// A window's bounds: enough texts to fill batches well, little enough memory.
constexpr std::size_t kWindowTexts = 1024;
constexpr std::size_t kWindowBytes = 8 << 20;
constexpr std::size_t kWindowTokens = 256 << 10;

}  // namespace

EmbeddingStream::EmbeddingStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingStream::~EmbeddingStream() = default;
EmbeddingStream::EmbeddingStream(EmbeddingStream&&) noexcept = default;
EmbeddingStream& EmbeddingStream::operator=(EmbeddingStream&&) noexcept = default;
Result<std::optional<EmbeddingResult>> EmbeddingStream::next() { return state_->next(); }
const BatchStatistics& EmbeddingStream::statistics() const { return state_->statistics; }

EmbeddingStream::State::State(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size, LineReader reader,
                              StreamOptions options)
    : model_(std::move(model)),
      embedder_(model_, batch_size),
      reader_(std::move(reader)),
      options_(std::move(options)),
      thread_([this](const std::stop_token& stop) { read_ahead(stop); }) {}

EmbeddingStream::State::~State() = default;  // the thread is asked to stop and joined first

internal::Window EmbeddingStream::State::read_window(const std::stop_token& stop) {
  internal::Window window;
  std::size_t bytes = 0, tokens = 0;
  while (window.lines.size() < kWindowTexts && bytes < kWindowBytes && tokens < kWindowTokens &&
         !stop.stop_requested()) {
    auto line = reader_.next(stop);
    if (!line) {
      window.error = line.error();
      window.last = true;
      break;
    }
    if (!*line) {
      window.last = true;
      break;
    }
    internal::WindowLine entry{
        .line = std::move(**line), .hash = {}, .tokens = fail(ErrorCode::InvalidText, "not valid UTF-8")};
    if (entry.line.valid_utf8) {
      entry.tokens = model_->tokenize(entry.line.text);
      entry.hash = md5_hex(entry.line.text);
    }
    bytes += entry.line.text.size();
    if (entry.tokens) tokens += entry.tokens->tokens.size();
    window.lines.push_back(std::move(entry));
  }
  window.blank_lines = reader_.blank_lines();
  return window;
}

void EmbeddingStream::State::read_ahead(const std::stop_token& stop) {
  for (bool more = true; more && !stop.stop_requested();) {
    internal::Window window = read_window(stop);
    more = !window.last;
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return !ahead_; })) return;
    ahead_ = std::move(window);
    changed_.notify_all();
  }
}

Result<bool> EmbeddingStream::State::fill() {
  internal::Window window;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, options_.stop, [&] { return ahead_.has_value(); }))
      return fail(ErrorCode::Cancelled, "embedding was stopped");
    window = std::move(*ahead_);
    ahead_.reset();
    changed_.notify_all();
  }
  statistics.skipped = window.blank_lines;

  std::vector<internal::WindowLine*> good;
  std::vector<std::span<const Token>> tokens;
  for (auto& entry : window.lines) {
    if (entry.tokens) {
      good.push_back(&entry);
      tokens.emplace_back(entry.tokens->tokens);
      continue;
    }
    ++statistics.failed;
    statistics.bytes += entry.line.text.size();
    const TextFailure failure{
        entry.line.number,
        {entry.tokens.error().code, std::format("line {}: {}", entry.line.number, entry.tokens.error().message)}};
    if (options_.on_failure) options_.on_failure(failure);
    if (options_.stop_on_error) return std::unexpected(failure.error);
  }
  const std::uint64_t before = statistics.texts;
  auto rows = embedder_.embed(tokens, options_.stop, [&](std::span<const std::size_t> finished) {
    statistics.texts += finished.size();
    for (const std::size_t i : finished) statistics.bytes += good[i]->line.text.size();
    statistics.batches = embedder_.batches();
    statistics.compute_time = embedder_.compute_time();
    statistics.device = embedder_.device();
    if (options_.on_progress) options_.on_progress(statistics);
  });
  if (!rows) {
    statistics.texts = before;
    return std::unexpected(rows.error());
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    statistics.tokens += tokens[i].size();
    statistics.truncated += good[i]->tokens->truncated ? 1 : 0;
    ready_.push_back({.text = std::move(good[i]->line.text),
                      .text_hash = std::move(good[i]->hash),
                      .embedding = std::move((*rows)[i].vector),
                      .sequence_length = static_cast<std::uint32_t>(tokens[i].size()),
                      .processing_time_ms = (*rows)[i].time_ms,
                      .truncated = good[i]->tokens->truncated});
  }
  if (window.error) return std::unexpected(*window.error);
  return !window.last;
}

Result<std::optional<EmbeddingResult>> EmbeddingStream::State::next() {
  while (ready_.empty()) {
    if (over_) return std::nullopt;
    const auto more = fill();
    if (!more) {
      over_ = true;
      ready_.clear();
      return std::unexpected(more.error());
    }
    over_ = !*more;
  }
  EmbeddingResult result = std::move(ready_.front());
  ready_.pop_front();
  return result;
}

}  // namespace llama
