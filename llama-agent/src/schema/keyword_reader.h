// Read the keywords of a JSON schema that stand for themselves: values, bounds, texts, names.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema_node.h"
#include "schema_work.h"

namespace llama::internal {

// Whoever finds something wrong says so once and goes on; the first reason is the error.
class KeywordReader {
 public:
  KeywordReader(bool formats, SchemaWork& work) : work_(work), formats_are_rules_(formats) {}

 protected:
  using SchemaJson = nlohmann::ordered_json;

  void refuse(std::string what) {
    if (!wrong_) wrong_ = std::move(what);
  }
  void read_values(const SchemaJson& schema, SchemaNode& node, SchemaDraft draft);
  void read_bounds(const SchemaJson& schema, SchemaNode& node);
  void read_text_rules(const SchemaJson& schema, SchemaNode& node);
  std::optional<std::int64_t> count(const SchemaJson& schema, const char* keyword);
  std::vector<std::string> names(const SchemaJson& list, std::string_view keyword);
  std::shared_ptr<const Pattern> pattern_of(const std::string& text, const std::string& place);

  std::optional<std::string> wrong_;
  SchemaWork& work_;

 private:
  bool formats_are_rules_;
  std::map<std::string, std::shared_ptr<const Pattern>> patterns_, formats_;
};

}  // namespace llama::internal
