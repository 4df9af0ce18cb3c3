#include "llama-base/utf8_stream.h"

#include <cstddef>
#include <cstdint>

namespace llama::internal {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Head {
  std::size_t length = 0;     // bytes of the character; 0: no character begins so
  std::uint8_t least = 0x80;  // of the second byte
  std::uint8_t most = 0xBF;
};

// Source: The Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
Head head_of(std::uint8_t byte) {
  if (byte < 0x80) return {.length = 1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {.length = 2};
  if (byte == 0xE0) return {.length = 3, .least = 0xA0};
  if (byte == 0xED) return {.length = 3, .most = 0x9F};
  if (byte < 0xF0) return {.length = 3};
  if (byte == 0xF0) return {.length = 4, .least = 0x90};
  if (byte < 0xF4) return {.length = 4};
  if (byte == 0xF4) return {.length = 4, .most = 0x8F};
  return {};
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  std::string whole;
  std::size_t at = 0;
  while (at < held_.size()) {
    const Head head = head_of(static_cast<std::uint8_t>(held_[at]));
    if (head.length == 0) {
      whole += kReplacement;
      ++at;
      continue;
    }
    std::size_t good = 1;
    while (good < head.length && at + good < held_.size()) {
      const auto next = static_cast<std::uint8_t>(held_[at + good]);
      if (next < (good == 1 ? head.least : 0x80) || next > (good == 1 ? head.most : 0xBF)) break;
      ++good;
    }
    if (good == head.length) {
      whole.append(held_, at, good);
    } else if (at + good == held_.size()) {
      break;  // it may go on
    } else {
      whole += kReplacement;
    }
    at += good;
  }
  held_.erase(0, at);
  return whole;
}

std::string Utf8Stream::finish() {
  const bool cut = !held_.empty();
  held_.clear();
  return cut ? std::string(kReplacement) : std::string();
}

std::string whole_characters(std::string_view bytes) {
  Utf8Stream stream;
  std::string text = stream.push(bytes);
  return text + stream.finish();
}

}  // namespace llama::internal
