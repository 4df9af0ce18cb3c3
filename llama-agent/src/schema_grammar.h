// Write the grammar of a JSON Schema's documents.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "llama-base/error.h"

namespace llama::internal {

struct SchemaGrammar {
  std::string gbnf;
  std::set<std::string> unenforced;  // keywords that the grammar leaves out
};

// Errors   as JsonSchema::parse().
[[nodiscard]] Result<SchemaGrammar> grammar_of(const nlohmann::ordered_json& schema);

}  // namespace llama::internal
