// A JSON Schema of any bytes, and a document of any bytes for it (behind a NUL): no crash, no hang; an error of one
// line, or a grammar of bounded size whose rules are all there, and a check that ends and says the same each time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grammar_claims.h"
#include "llama-agent/json_schema.h"

namespace {

using llama::fuzz::has_its_rules;
using llama::fuzz::is_one_line;
using llama::fuzz::require;

void try_reading(std::string_view text, std::string_view document, bool has_document, bool exact) {
  const auto schema = llama::JsonSchema::parse(text, {.exact = exact});
  if (!schema) {
    require(schema.error().code == llama::ErrorCode::InvalidArgument);
    require(is_one_line(schema.error().message));
    return;
  }
  require(schema->grammar().starts_with("root ::="));
  require(schema->grammar().size() <= 1024 * 1024);
  require(has_its_rules(schema->grammar()));
  require(schema->unenforced().size() <= 100 && std::ranges::all_of(schema->unenforced(), is_one_line));
  if (!has_document) return;
  const auto valid = schema->validate(document);
  if (!valid) require(valid.error().code == llama::ErrorCode::InvalidText && is_one_line(valid.error().message));
  require(schema->validate(document).has_value() == valid.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = all.find('\0');
  const bool has_document = nul != std::string_view::npos;
  const std::string_view document = has_document ? all.substr(nul + 1) : "";
  for (const bool exact : {false, true}) try_reading(all.substr(0, nul), document, has_document, exact);
  return 0;
}
