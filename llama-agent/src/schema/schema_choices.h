// Which schemas a value must fit, all at once: allOf and references followed, anyOf and oneOf taken apart.
//
// A position of a document belongs to a set of nodes, each of which the value must fit. The same set always gets the
// same rule, so that a recursive schema ends: there are only so many sets. What follows allOf and $ref only adds to the
// set; each choice of an anyOf makes a set of its own. A choice that leads back to where the choice is made is left
// out: it allows nothing that the other choices do not.
// Cost     sets times nodes; at most `max_sets` sets, then a choice is left to the check.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "schema_node.h"
#include "schema_remarks.h"
#include "schema_work.h"

namespace llama::internal {

using SchemaSet = std::vector<const SchemaNode*>;  // in the order in which they were found

// What all positions of one grammar share.
struct ChoiceMaking {
  const SchemaTree& tree;
  SchemaRemarks& remarks;
  SchemaWork& work;
  std::size_t max_sets;
  std::map<const SchemaNode*, bool> exclusive{};  // with oneOf: can no value fit two of its choices?
};

// Each set has no choices left: its nodes' own keywords are all that counts. None: nothing fits, or the work is over.
[[nodiscard]] std::vector<SchemaSet> choices_of(const SchemaSet& nodes, ChoiceMaking& making);

}  // namespace llama::internal
