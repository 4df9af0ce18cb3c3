#include "download/content_range.h"

#include <charconv>
#include <format>

namespace llama::internal {
namespace {

bool take_number(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  ContentRange result;
  std::uint64_t last = 0, total = 0;
  if (!take_number(text, result.range.begin) || !take(text, '-') || !take_number(text, last) || !take(text, '/'))
    return std::nullopt;
  if (last < result.range.begin || last == UINT64_MAX) return std::nullopt;
  result.range.end = last + 1;
  if (text == "*") return result;
  if (!take_number(text, total) || !text.empty() || total < result.range.end) return std::nullopt;
  result.total = total;
  return result;
}

std::expected<std::uint64_t, BodyFault> body_start(const HttpHead& head, ByteRange asked, std::uint64_t size) {
  const auto bad = [](std::string reason, bool no_ranges = false) {
    return std::unexpected(BodyFault{.no_ranges = no_ranges, .reason = std::move(reason)});
  };
  const std::string_view coding = head.value("content-encoding");
  if (!coding.empty() && coding != "identity")
    return bad(std::format("the answer is compressed ({}) though that was not wanted", coding));
  const std::string_view text = head.value("content-range");
  if (text.empty()) {
    if (head.status == 206) return bad("the answer does not say which part of the file it is", asked.begin > 0);
    std::uint64_t length = 0;
    std::string_view announced = head.value("content-length");
    if (!announced.empty() && take_number(announced, length) && length != size) {
      return bad(std::format("{} bytes are offered instead of {}{}", length, size,
                             head.value("content-type").contains("text/html") ? ": a web page" : ""));
    }
    if (asked.begin > 0) return bad("the server does not give parts of files", true);
    return 0;
  }
  const auto range = parse_content_range(text);
  if (!range) return bad("the answer's Content-Range makes no sense", asked.begin > 0);
  if (range->total && *range->total != size)
    return bad(std::format("the server's file has {} bytes instead of {}", *range->total, size));
  if (range->range.begin != asked.begin)
    return bad("the server gives another part of the file than asked for", asked.begin > 0);
  return range->range.begin;
}

}  // namespace llama::internal
