// Hold a reply to a JSON Schema: a grammar while it is generated, a check when it is there.
//
// The grammar knows types, properties in the schema's order, required, enum, const, anyOf, oneOf, allOf, $ref inside the
// schema, items, prefixItems, lengths, small integer ranges and a few formats. What it does not know is left to the
// check. Without "additionalProperties" an object that names its properties has no others.
// Threads  immutable: any number at once.
// Source   json-schema.org, drafts 7 to 2020-12; llama.cpp, grammars/README.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

class JsonSchema {
 public:
  // Errors   InvalidArgument: no JSON, no schema, longer than 256 KiB, deeper than 64 levels, a $ref that leads nowhere
  //          or only to itself, a schema that nothing fits.
  [[nodiscard]] static Result<JsonSchema> parse(std::string_view text);

  [[nodiscard]] const std::string& grammar() const;  // GBNF, from the rule "root"
  // Keywords that only the check looks at.
  [[nodiscard]] const std::vector<std::string>& unenforced() const;

  // Cost     "pattern" is compared by backtracking; in documents above 8 KiB it is left out.
  // Errors   InvalidText: no JSON, or where the document departs from the schema.
  [[nodiscard]] Result<void> validate(std::string_view document) const;

 private:
  struct State;
  explicit JsonSchema(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace llama
