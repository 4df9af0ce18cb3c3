// Find schemas that refer to themselves for the same value.
//
// A schema may come back to itself inside a member or an item, since documents end. For one and the same value, "fits a
// if it fits a" says nothing. Where it is one choice of an anyOf, the other choices decide; everywhere else there is no
// answer, and such a schema is refused.
// Source   JSON Schema Core, 9.4.1: infinite recursion is undefined.
#pragma once

#include <optional>
#include <string>

#include "schema_node.h"

namespace llama::internal {

// The place of a schema that has no meaning, if there is one.
//
// Cost     linear in the nodes and their references.
[[nodiscard]] std::optional<std::string> reference_to_itself(const SchemaTree& tree);

}  // namespace llama::internal
