// A JSON Schema of any bytes, and a document of any bytes for it (behind a NUL): no crash, no hang; an error of one
// line, or a grammar of bounded size and a check that ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <print>
#include <source_location>
#include <string_view>

#include "llama-agent/json_schema.h"

namespace {

void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::println(stderr, "schema_fuzz: line {} does not hold", where.line());
  std::abort();
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = all.find('\0');
  const auto schema = llama::JsonSchema::parse(all.substr(0, nul));
  if (!schema) {
    require(schema.error().code == llama::ErrorCode::InvalidArgument);
    require(is_one_line(schema.error().message));
    return 0;
  }
  require(schema->grammar().starts_with("root ::="));
  require(schema->grammar().size() < 8 * 1024 * 1024);
  if (nul != std::string_view::npos) {
    const auto valid = schema->validate(all.substr(nul + 1));
    if (!valid) require(valid.error().code == llama::ErrorCode::InvalidText && is_one_line(valid.error().message));
  }
  return 0;
}
