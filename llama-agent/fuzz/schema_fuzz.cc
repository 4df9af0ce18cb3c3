// A JSON Schema of any bytes, and a document of any bytes for it (behind a NUL): no crash, no hang; an error of one
// line, or a grammar of bounded size whose rules are all there, and a check that ends and says the same each time.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <print>
#include <set>
#include <source_location>
#include <string>
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

// Every rule that is named outside of quotes and brackets has a line of its own.
bool has_its_rules(std::string_view grammar) {
  std::set<std::string> defined, named;
  std::string word;
  char closing = 0;
  for (std::size_t i = 0; i < grammar.size(); ++i) {
    const char c = grammar[i];
    if (closing != 0) {
      if (c == '\\') ++i;
      if (c == closing) closing = 0;
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    } else {
      if (c == '"' || c == '[' || c == '{') closing = c == '[' ? ']' : c == '{' ? '}' : c;
      if (!word.empty()) (grammar.substr(i).starts_with(" ::=") ? defined : named).insert(word);
      word.clear();
    }
  }
  return std::ranges::includes(defined, named);
}

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
