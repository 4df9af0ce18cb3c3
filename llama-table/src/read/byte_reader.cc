#include "read/byte_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <utility>
#include <vector>

#include "llama-base/text_kind.h"

namespace llama::internal {
namespace {

constexpr int kStopCheckMs = 100;
constexpr std::size_t kBlockBytes = 1 << 18;

}  // namespace

Packing packing_of(std::string_view first_bytes) {
  if (first_bytes.starts_with("\x1f\x8b")) return Packing::Gzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd")) return Packing::Zstd;
  return Packing::None;
}

InputBytes::InputBytes(std::string name, FileHandle owned, int descriptor)
    : name_(std::move(name)), owned_(std::move(owned)), descriptor_(descriptor) {
  struct stat status{};
  is_regular_ = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
}

Result<std::unique_ptr<InputBytes>> InputBytes::open(const std::string& path) {
  if (path == "-") return std::unique_ptr<InputBytes>(new InputBytes("standard input", FileHandle(), STDIN_FILENO));
  std::string name = std::format("file '{}'", path);
  // Without O_NONBLOCK a FIFO that nobody writes to would hold the process here, deaf to a stop request.
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return fail(ErrorCode::NotFound, std::format("{} does not exist", name));
    return fail(ErrorCode::Io, std::format("{} cannot be read: {}", name, std::strerror(error)));
  }
  const int descriptor = file.get();
  return std::unique_ptr<InputBytes>(new InputBytes(std::move(name), std::move(file), descriptor));
}

bool InputBytes::is_ready() const {
  if (is_regular_ || given_ < seen_.size() || !decoded_.empty() || raw_begin_ < raw_.size()) return true;
  pollfd poller{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&poller, 1, 0) > 0;
}

Result<std::size_t> InputBytes::read_raw(std::span<char> buffer, const std::stop_token& stop) {
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    pollfd poller{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (!is_regular_ && ::poll(&poller, 1, kStopCheckMs) <= 0) continue;
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) continue;
    return fail(ErrorCode::Io, std::format("reading {} failed: {}", name_, std::strerror(errno)));
  }
}

// More bytes as they are stored; false at the end.
Result<bool> InputBytes::fill_raw(const std::stop_token& stop) {
  if (is_raw_end_) return false;
  raw_.erase(0, std::exchange(raw_begin_, 0));
  const std::size_t had = raw_.size();
  raw_.resize(had + kBlockBytes);
  const auto count = read_raw(std::span(raw_).subspan(had), stop);
  raw_.resize(had + count.value_or(0));
  if (!count) return std::unexpected(count.error());
  is_raw_end_ = *count == 0;
  return !is_raw_end_;
}

Result<void> InputBytes::find_packing(const std::stop_token& stop) {
  constexpr std::size_t kMagicBytes = 4;
  while (!is_known_ && raw_.size() < kMagicBytes) {
    const auto filled = fill_raw(stop);
    if (!filled) return std::unexpected(filled.error());
    if (!*filled) break;
  }
  if (std::exchange(is_known_, true)) return {};
  packing_ = packing_of(raw_);
  if (packing_ == Packing::None) return {};
  const auto kind = packing_ == Packing::Gzip ? arrow::Compression::GZIP : arrow::Compression::ZSTD;
  auto codec = arrow::util::Codec::Create(kind);
  if (!codec.ok())
    return fail(ErrorCode::InvalidArgument, std::format("{} is packed: {}", name_, codec.status().message()));
  codec_ = std::move(*codec);
  auto unpacker = codec_->MakeDecompressor();
  if (!unpacker.ok()) return fail(ErrorCode::OutOfMemory, std::format("{} cannot be unpacked", name_));
  unpacker_ = std::move(*unpacker);
  return {};
}

// Several archives one after the other are one, as gzip -dc and zstd -dc have it.
Result<std::size_t> InputBytes::read_unpacked(std::span<char> buffer, const std::stop_token& stop) {
  if (auto known = find_packing(stop); !known) return std::unexpected(known.error());
  for (bool needs_input = false;;) {
    if (raw_begin_ == raw_.size() || needs_input) {
      const auto filled = fill_raw(stop);
      if (!filled) return std::unexpected(filled.error());
      if (!*filled && raw_begin_ == raw_.size()) {
        if (unpacker_ != nullptr && !unpacker_->IsFinished())
          return fail(ErrorCode::InvalidText, std::format("{} is cut short: its archive does not end", name_));
        return std::size_t{0};
      }
      if (!*filled)
        return fail(ErrorCode::InvalidText, std::format("{} is cut short: its archive does not end", name_));
    }
    const std::span<const char> raw = std::span<const char>(raw_).subspan(raw_begin_);
    if (unpacker_ == nullptr) {
      const std::size_t count = std::min(raw.size(), buffer.size());
      std::memcpy(buffer.data(), raw.data(), count);
      raw_begin_ += count;
      return count;
    }
    const auto damaged = [&] { return fail(ErrorCode::InvalidText, std::format("{} is a damaged archive", name_)); };
    if (unpacker_->IsFinished() && !unpacker_->Reset().ok()) return damaged();
    auto result =
        unpacker_->Decompress(static_cast<std::int64_t>(raw.size()), reinterpret_cast<const std::uint8_t*>(raw.data()),
                              static_cast<std::int64_t>(buffer.size()), reinterpret_cast<std::uint8_t*>(buffer.data()));
    if (!result.ok()) return damaged();
    raw_begin_ += static_cast<std::size_t>(result->bytes_read);
    if (result->bytes_written > 0) return static_cast<std::size_t>(result->bytes_written);
    needs_input = result->bytes_read == 0 && !unpacker_->IsFinished();
  }
}

// UTF-16 becomes UTF-8, whoever reads.
Result<std::size_t> InputBytes::read_decoded(std::span<char> buffer, const std::stop_token& stop) {
  constexpr std::size_t kMarkBytes = 4;
  std::array<char, 1 << 16> block{};
  while (!is_encoding_known_ && decoded_.size() < kMarkBytes) {
    const auto count = read_unpacked(block, stop);
    if (!count) return count;
    if (*count == 0) break;
    decoded_.append(block.data(), *count);
  }
  if (!std::exchange(is_encoding_known_, true)) {
    decoder_ = Utf16Decoder::find(decoded_);
    if (decoder_) decoder_->decode(std::exchange(decoded_, {}), decoded_);
  }
  while (decoder_ && decoded_.empty()) {
    const auto count = read_unpacked(block, stop);
    if (!count || *count == 0) return count;
    decoder_->decode(std::string_view(block.data(), *count), decoded_);
  }
  if (decoded_.empty()) return read_unpacked(buffer, stop);
  const std::size_t count = std::min(buffer.size(), decoded_.size());
  std::memcpy(buffer.data(), decoded_.data(), count);
  decoded_.erase(0, count);
  return count;
}

Result<bool> InputBytes::look_further(const std::stop_token& stop) {
  const std::size_t had = seen_.size();
  seen_.resize(had + kBlockBytes);
  const auto count = read_decoded(std::span(seen_).subspan(had), stop);
  seen_.resize(had + count.value_or(0));
  if (!count) return std::unexpected(count.error());
  return *count > 0;
}

Result<void> InputBytes::check_utf8() const {
  const auto why = why_no_text(decoder_ ? decoder_->mark() : seen());
  if (!why) return {};
  return fail(ErrorCode::InvalidText, std::format("{} is no text in UTF-8: {}", name_, *why));
}

Result<void> check_archive(const std::string& path, const std::stop_token& stop) {
  auto reader = InputBytes::open(path);
  if (!reader) return std::unexpected(reader.error());
  std::vector<char> block(kBlockBytes);
  for (;;) {
    const auto count = (*reader)->read(block, stop);
    if (!count) return std::unexpected(count.error());
    if (*count == 0 || (*reader)->packing() == Packing::None) return {};
  }
}

Result<std::size_t> InputBytes::read(std::span<char> buffer, const std::stop_token& stop) {
  if (given_ < seen_.size()) {
    const std::size_t count = std::min(buffer.size(), seen_.size() - given_);
    std::memcpy(buffer.data(), seen_.data() + given_, count);
    given_ += count;
    if (given_ == seen_.size()) {
      seen_.clear();
      seen_.shrink_to_fit();
      given_ = 0;
    }
    return count;
  }
  return read_decoded(buffer, stop);
}

}  // namespace llama::internal
