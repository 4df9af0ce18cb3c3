// Hold a reply to a JSON Schema: a grammar while it is generated, a check when it is there.
//
// The grammar knows types, properties in the schema's order, required, enum, const, anyOf, allOf, $ref inside the
// schema, items, prefixItems, numbers of items, members and characters, bounds of numbers, patterns, and the formats
// that are patterns. What it cannot say (unenforced()) is left to the check. doc/generate.md has the table.
//
// Threads  immutable, and cheap to copy: copies share the grammar and the check, any number at once.
// Source   json-schema.org, drafts 4 to 2020-12; llama.cpp, grammars/README.md.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

namespace internal {
class SchemaBudget;
}

struct JsonSchemaReading {
  int draft = 2020;  // 4, 6, 7, 2019, 2020: where "$schema" does not say
  // Exactly what the schema says. False: an object that names its properties has no others and a tuple no further items
  // unless the schema speaks of them; keywords of one type without a "type" mean that type; "format" is a rule.
  bool exact = false;

  bool operator==(const JsonSchemaReading&) const = default;
};

class JsonSchema {
 public:
  // Errors   InvalidArgument: no JSON, no schema, longer than 256 KiB, deeper than 64 levels, a $ref that leads
  //          nowhere, out of the schema or only to itself, a pattern with look-around or back-references, a schema that
  //          nothing fits, whose grammar would be larger than 1 MiB, or that would take longer to read. Cancelled.
  // Cost     milliseconds; about two seconds at most, whatever the schema is: its patterns' ranges and repetitions, the
  //          combinations of its choices and the values that it lists are counted together. The last 256 are
  //          remembered, or 16 MiB of them: the same text again costs nothing and shares what was made of it, or what
  //          is wrong with it.
  [[nodiscard]] static Result<JsonSchema> parse(std::string_view text, const JsonSchemaReading& reading = {},
                                                const std::stop_token& stop = {});

  [[nodiscard]] const std::string& grammar() const;  // GBNF, from the rule "root"
  // What only the check looks at: "uniqueItems at #/properties/a", in alphabetical order, at most 100.
  [[nodiscard]] const std::vector<std::string>& unenforced() const;

  // Errors   InvalidText: no JSON, where the document departs from the schema, or that it is too large to be checked.
  // Cost     values times schemas, at most 5 million steps; patterns are matched in linear time (RE2).
  [[nodiscard]] Result<void> validate(std::string_view document) const;

 private:
  friend class internal::SchemaBudget;  // reads it as one of several
  struct State;
  explicit JsonSchema(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace llama
