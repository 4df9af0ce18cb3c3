// Functions that make values larger, and what text is made of.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "template_budget.h"

namespace llama::internal {

// "llama_joined", "llama_append" and so on, and the filters that go over a value's elements. They throw where a value
// is too large, or where a list would hold itself: nobody would ever free it.
void add_growing(minja::Context& context, const std::shared_ptr<TemplateBudget>& budget);

// Where each character of a text begins, and where the text ends.
[[nodiscard]] std::vector<std::size_t> character_places(const std::string& text);
// Of a list; a text has its characters, as Jinja's has, and a dict its keys.
[[nodiscard]] std::vector<minja::Value> elements(const minja::Value& value);

}  // namespace llama::internal
