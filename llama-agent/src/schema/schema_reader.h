// Read a JSON schema into nodes: its keywords in every draft's spelling, its references, its regular expressions.
//
// Drafts   4, 6, 7, 2019-09 and 2020-12, by "$schema"; 2020-12 where it does not say. Older spellings are read in newer
//          drafts too (items as a list, dependencies, definitions).
// Source   json-schema.org: Core and Validation of each draft.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "llama-base/error.h"
#include "schema_node.h"
#include "schema_work.h"

namespace llama::internal {

struct SchemaReading {
  std::optional<SchemaDraft> draft{};  // where "$schema" does not say
  bool formats = true;                 // read "format" as a rule of texts; false: as a remark
};

// Errors   InvalidArgument: a keyword that is not what it must be, more than 64 levels, a reference that leads nowhere,
//          out of the schema or only to itself, a regular expression that cannot be matched, a dialect that is not
//          known, more than the work that is left.
// Cost     linear in the schema, and what its regular expressions take to compile.
[[nodiscard]] Result<SchemaTree> read_schema(const nlohmann::ordered_json& schema, const SchemaReading& reading,
                                             SchemaWork& work);

}  // namespace llama::internal
