// What the grammar of a schema leaves to the check.
#pragma once

#include <format>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schema_node.h"

namespace llama::internal {

class SchemaRemarks {
 public:
  void add(std::string_view keyword, const SchemaNode& node) {
    if (all_.size() < kMaxRemarks) all_.insert(std::format("{} at {}", keyword, node.place));
  }
  [[nodiscard]] std::vector<std::string> list() const { return {all_.begin(), all_.end()}; }

 private:
  static constexpr std::size_t kMaxRemarks = 100;
  std::set<std::string> all_;
};

}  // namespace llama::internal
