#include "call_resources.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>

#include "tool_text.h"

namespace llama::internal {
namespace {

using ResourceJson = nlohmann::json;
constexpr std::size_t kMaxResources = 64;  // of one call; with more it is taken to touch everything

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

bool is_resource_word(std::string_view word) {
  static constexpr std::array kWords = {"path",   "file",      "filename",  "filepath",    "dir",         "directory",
                                        "folder", "uri",       "url",       "source",      "destination", "paths",
                                        "files",  "filenames", "filepaths", "dirs",        "directories", "folders",
                                        "uris",   "urls",      "sources",   "destinations"};
  return std::ranges::contains(kWords, word);
}

// Words of "outputPath", "output_path", "output-path".
bool names_resource(std::string_view name) {
  std::string word;
  bool found = false;
  const auto end_word = [&] {
    found = found || is_resource_word(word);
    word.clear();
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = is_upper(name[i]) && i > 0 && !is_upper(name[i - 1]);
    if (begins || name[i] == '_' || name[i] == '-' || name[i] == '.') end_word();
    if (name[i] != '_' && name[i] != '-' && name[i] != '.') word += lower(name[i]);
  }
  end_word();
  return found;
}

struct Found {
  std::vector<std::string> resources;
  bool has_unknown = false;  // a value that only a result will make known
};

void take_value(const ResourceJson& value, Found& found) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.contains("${")) found.has_unknown = true;
    found.resources.push_back(normal_resource(text));
  } else if (value.is_array()) {
    for (const auto& item : value) take_value(item, found);
  }
}

void find_resources(const ResourceJson& value, Found& found) {
  if (value.is_array()) {
    for (const auto& item : value) find_resources(item, found);
  }
  if (!value.is_object()) return;
  for (const auto& [name, item] : value.items()) {
    if (names_resource(name)) take_value(item, found);
    if (item.is_structured()) find_resources(item, found);
  }
}

bool is_absolute(std::string_view path) { return path.starts_with('/') || path.contains("://") || path.contains(":/"); }

bool is_within(std::string_view inner, std::string_view outer) {
  if (!inner.starts_with(outer)) return false;
  return inner.size() == outer.size() || outer.ends_with('/') || inner[outer.size()] == '/';
}

}  // namespace

std::string normal_resource(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), [](char c) { return c == '\\' ? '/' : lower(c); });
  if (small.starts_with("file://")) small.erase(0, 7);
  std::string scheme;
  if (const std::size_t at = small.find("://"); at != std::string::npos) {
    scheme = small.substr(0, at + 3);
    small.erase(0, at + 3);
    small.resize(std::min(small.find_first_of("?#"), small.size()));
  }
  std::string path = std::filesystem::path(small).lexically_normal().generic_string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.empty()) path = ".";
  return scheme + path;
}

bool overlap(std::string_view a, std::string_view b) {
  const auto is_open = [](std::string_view path) {
    return path == "." || path.starts_with("..") || path.starts_with('~');
  };
  if (is_open(a) || is_open(b)) return true;
  if (a.contains("://") != b.contains("://")) return false;
  if (is_absolute(a) != is_absolute(b)) return true;
  return is_within(a, b) || is_within(b, a);
}

CallAccess access_of(const ToolDefinition& tool, std::string_view full_name, std::string_view arguments,
                     std::span<const ToolResource> configured) {
  CallAccess access;
  access.writes = !tool.hints.read_only.value_or(false);
  access.is_alone = access.writes && tool.hints.destructive.value_or(false);
  for (const auto& resource : configured) {
    if (!fits_pattern(resource.tool, full_name)) continue;
    access.named.push_back({resource.resource, resource.access == ToolAccess::Write});
  }
  if (!access.named.empty()) {
    access.writes = std::ranges::any_of(access.named, [](const auto& one) { return one.writes; });
  }
  const auto value = ResourceJson::parse(arguments, nullptr, false);
  Found found;
  if (!value.is_discarded()) find_resources(value, found);
  if (!found.resources.empty() && !found.has_unknown && found.resources.size() <= kMaxResources) {
    access.is_whole_server = false;
    access.resources = std::move(found.resources);
  }
  return access;
}

std::string conflict_of(const CallAccess& a, std::string_view server_a, const CallAccess& b,
                        std::string_view server_b) {
  for (const auto& one : a.named) {
    for (const auto& other : b.named) {
      if (one.name == other.name && (one.writes || other.writes)) {
        return std::format("both use '{}' and one of them writes", one.name);
      }
    }
  }
  if (server_a != server_b) return {};
  const std::string of = server_a.empty() ? "the tools of this program" : std::format("server '{}'", server_a);
  if (a.is_alone || b.is_alone) return std::format("a destructive call runs alone on {}", of);
  if (!a.writes && !b.writes) return {};
  // What is named touches that and nothing else; what is not known touches everything.
  if (!a.named.empty() && !b.named.empty()) return {};
  if ((a.named.empty() && a.is_whole_server) || (b.named.empty() && b.is_whole_server)) {
    return std::format("one may write, and what it touches on {} is not known", of);
  }
  if (!a.named.empty() || !b.named.empty()) return {};
  for (const auto& one : a.resources) {
    for (const auto& other : b.resources) {
      if (overlap(one, other)) return std::format("both use '{}' and one of them may write", one);
    }
  }
  return {};
}

}  // namespace llama::internal
