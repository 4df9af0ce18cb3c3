// JSON as Python's json.dumps writes it: ", " and ": " between things. Models were trained on that.
//
// Source   docs.python.org, json.dumps; transformers' tojson filter gives it ensure_ascii=False.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace llama::internal {

struct PythonJsonStyle {
  std::optional<std::int64_t> indent{};           // spaces; nothing: one line
  std::string item_separator{}, key_separator{};  // "": Python's
  bool sort_keys = false;
  bool ensure_ascii = false;  // \u00e9 for é
};

[[nodiscard]] std::string python_json(const nlohmann::ordered_json& value, const PythonJsonStyle& style);

}  // namespace llama::internal
