// Decide what the bytes of an answer to a range request are.
//
// Pure.
// Source   RFC 9110, sections 14.4 and 15.3.7; servers that answer 200 with a Content-Range, 206 without one, or with
//          another range than asked for.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "download/byte_ranges.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

struct ContentRange {
  ByteRange range;
  std::optional<std::uint64_t> total;
};

// "bytes 0-99/1000"; nothing for anything else.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);

struct BodyFault {
  bool no_ranges = false;  // the server gives the file from its beginning only
  std::string reason;
};

// Where the body of a 200 or 206 starts in a file of `size` bytes of which `asked` was asked for.
[[nodiscard]] std::expected<std::uint64_t, BodyFault> body_start(const HttpHead& head, ByteRange asked,
                                                                 std::uint64_t size);

}  // namespace llama::internal
