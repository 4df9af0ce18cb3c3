#include "llama-embedding/text_file.h"

#include <algorithm>
#include <cstring>
#include <format>
#include <string_view>
#include <utility>
#include <vector>

#include "byte_input.h"
#include "llama-base/blank_text.h"
#include "llama-base/text_kind.h"

namespace llama {
namespace {

constexpr std::size_t kBufferSize = 1 << 18;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Result<void> check_is_text(const internal::ByteInput& input, std::string_view start) {
  const auto why = internal::why_no_text(start);
  if (!why) return {};
  return fail(ErrorCode::InvalidText, std::format("{} is no text in UTF-8: {}", input.name(), *why));
}

// Counts lines as next() makes them, without keeping any.
class LineCounter {
 public:
  void add(std::string_view block) {
    while (!block.empty()) {
      const std::size_t end = block.find('\n');
      std::string_view piece = block.substr(0, end);
      if (is_first_ && length_ == 0 && piece.starts_with(kByteOrderMark)) piece.remove_prefix(kByteOrderMark.size());
      blank_.add(piece);
      length_ += piece.size();
      if (!piece.empty()) ends_with_return_ = piece.back() == '\r';
      if (end == std::string_view::npos) return;
      end_line();
      block.remove_prefix(end + 1);
    }
  }
  void end_line() {
    if (!blank_.is_blank()) {
      ++count_.texts;
      count_.bytes += length_ - (ends_with_return_ ? 1 : 0);
    }
    blank_ = {};
    length_ = 0;
    ends_with_return_ = is_first_ = false;
  }
  [[nodiscard]] const TextCount& count() const { return count_; }

 private:
  TextCount count_;
  internal::BlankTest blank_;
  std::uint64_t length_ = 0;
  bool ends_with_return_ = false, is_first_ = true;
};

}  // namespace

struct TextFile::State {
  explicit State(internal::ByteInput i) : input(std::move(i)) {}

  internal::ByteInput input;
  std::vector<char> buffer = std::vector<char>(kBufferSize);
  std::size_t begin = 0, end = 0;  // what of the buffer is not used up
  std::string line;                // the beginning of a line whose end is not there yet
  std::uint64_t line_number = 0;
  bool is_checked = false;  // the first bytes are text
  bool at_end = false;
  bool may_wait = true;        // text_source.h: in the first call and after a Pause
  std::optional<Error> error;  // to be told when the texts before it are
  std::optional<TextCount> total;

  Result<void> fill(const std::stop_token& stop);
  bool take_line();
  void add_line(SourceBatch& batch, std::size_t& bytes);
};

Result<void> TextFile::State::fill(const std::stop_token& stop) {
  const auto count = input.read(buffer, stop);
  if (!count) return std::unexpected(count.error());
  begin = 0;
  end = *count;
  at_end = *count == 0;
  if (is_checked) return {};
  is_checked = true;
  return check_is_text(input, std::string_view(buffer.data(), end));
}

// Moves bytes to `line`. True: it is whole.
bool TextFile::State::take_line() {
  const std::string_view rest(buffer.data() + begin, end - begin);
  const std::size_t found = rest.find('\n');
  line += rest.substr(0, found);
  begin = found == std::string_view::npos ? end : begin + found + 1;
  return found != std::string_view::npos;
}

void TextFile::State::add_line(SourceBatch& batch, std::size_t& bytes) {
  std::string text = std::exchange(line, {});
  if (++line_number == 1 && text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (text.ends_with('\r')) text.pop_back();
  if (internal::is_blank(text)) {
    ++batch.skipped;
    return;
  }
  bytes += text.size();
  batch.texts.push_back({.row = line_number, .text = std::move(text)});
}

TextFile::TextFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextFile::~TextFile() = default;
std::optional<TextCount> TextFile::total() const { return state_->total; }
std::string TextFile::name_of(std::uint64_t row) const { return std::format("line {}", row); }

Result<std::unique_ptr<TextFile>> TextFile::open(const std::filesystem::path& path) {
  auto input = internal::ByteInput::open(path);
  if (!input) return std::unexpected(input.error());
  auto state = std::make_unique<State>(std::move(*input));
  const std::span<char> room = std::span(state->buffer).first(internal::kTextKindBytes);
  const std::size_t seen = state->input.peek(room);
  if (auto checked = check_is_text(state->input, std::string_view(room.data(), seen)); !checked)
    return std::unexpected(checked.error());
  state->is_checked = state->input.is_regular();
  return std::unique_ptr<TextFile>(new TextFile(std::move(state)));
}

Result<void> TextFile::count(const std::stop_token& stop, const std::function<void(double fraction)>& on_progress) {
  State& state = *state_;
  if (!state.input.is_regular()) return {};
  const double all = static_cast<double>(std::max<std::uint64_t>(1, state.input.size_bytes()));
  LineCounter counter;
  for (double done = 0;;) {
    const auto count = state.input.read(state.buffer, stop);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    counter.add(std::string_view(state.buffer.data(), *count));
    done += static_cast<double>(*count);
    if (on_progress) on_progress(done / all);
  }
  counter.end_line();
  state.total = counter.count();
  return state.input.rewind();
}

// A line that has begun to come is not waited for while whole ones before it are unanswered: whoever writes it may be
// waiting for their answer. So the batch ends where the bytes that are there end, and the begun line stays in `line`.
// Cost: a look at the descriptor (poll) per buffer of a pipe, none of a regular file.
Result<SourceBatch> TextFile::next(SourceLimits limits, const std::stop_token& stop) {
  State& state = *state_;
  if (state.error) return std::unexpected(*std::exchange(state.error, std::nullopt));
  SourceBatch batch;
  for (std::size_t bytes = 0; batch.texts.size() < limits.max_texts && bytes < limits.max_bytes;) {
    if (state.take_line()) {
      state.add_line(batch, bytes);
      continue;
    }
    if (state.at_end) {
      if (!state.line.empty()) state.add_line(batch, bytes);
      batch.state = SourceState::End;
      return batch;
    }
    const bool may_wait = state.may_wait && batch.texts.empty();
    if (!may_wait && !state.input.is_ready()) {
      batch.state = SourceState::Pause;
      state.may_wait = true;
      return batch;
    }
    if (auto filled = state.fill(stop); !filled) {
      if (batch.texts.empty()) return std::unexpected(filled.error());
      state.error = filled.error();
      break;
    }
  }
  state.may_wait = false;
  return batch;
}

}  // namespace llama
