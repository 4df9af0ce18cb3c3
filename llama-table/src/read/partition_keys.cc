#include "read/partition_keys.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace llama::internal {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

PartitionKeys partition_keys_of(std::string_view path) {
  PartitionKeys keys;
  for (std::size_t end = path.find('/'); end != std::string_view::npos; end = path.find('/')) {
    const std::string_view folder = path.substr(0, end);
    path.remove_prefix(end + 1);
    const std::size_t equals = folder.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    std::string value = percent_decoded(folder.substr(equals + 1));
    const bool is_null = value == "__HIVE_DEFAULT_PARTITION__";
    keys.emplace_back(percent_decoded(folder.substr(0, equals)),
                      is_null ? std::nullopt : std::optional(std::move(value)));
  }
  return keys;
}

std::vector<std::string> common_partition_keys(const std::vector<std::string>& paths) {
  std::optional<std::vector<std::string>> common;
  for (const std::string& path : paths) {
    std::vector<std::string> names;
    for (const auto& [name, value] : partition_keys_of(path)) names.push_back(name);
    if (common && *common != names) return {};
    common = std::move(names);
  }
  return common.value_or(std::vector<std::string>());
}

}  // namespace llama::internal
