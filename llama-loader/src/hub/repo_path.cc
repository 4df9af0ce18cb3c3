#include "hub/repo_path.h"

#include <algorithm>
#include <cctype>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_safe_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && part.size() <= 255 && !(part.size() >= 2 && part[1] == ':') &&
         std::ranges::none_of(part, [](char c) { return is_control(c) || c == '\\'; });
}

template <class Accept>
bool every_part(std::string_view path, const Accept& accept) {
  for (;;) {
    const std::size_t end = path.find('/');
    if (!accept(path.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_safe_path(std::string_view path) {
  return path.size() <= 1024 && is_utf8(path) && every_part(path, is_safe_part);
}

bool is_repo_name(std::string_view name) {
  const auto part = [](std::string_view text) {
    return !text.empty() && text.size() <= 96 && text.front() != '.' && text.front() != '-' && !text.contains("..") &&
           std::ranges::all_of(text, [](unsigned char c) {
             return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.');
           });
  };
  return std::ranges::count(name, '/') == 1 && every_part(name, part);
}

bool is_revision(std::string_view revision) {
  return !revision.empty() && revision.size() <= 255 && is_utf8(revision) && !revision.contains("..") &&
         revision.front() != '/' && revision.front() != '-' &&
         std::ranges::none_of(revision, [](char c) { return is_control(c) || c == '\\' || c == ' '; });
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace llama::internal
