#include "outside_forms.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxMarker = 60;  // bytes

std::string json_of(std::string_view text, bool ascii) {
  const nlohmann::json value = text;
  std::string quoted = value.dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

std::vector<std::string> forms_of(std::string_view text) {
  std::vector<std::string> forms;
  const auto add = [&](std::string form) {
    if (std::ranges::find(forms, form) == forms.end()) forms.push_back(std::move(form));
  };
  const auto add_trimmed = [&](const std::string& whole) {
    add(whole);
    for (const std::string_view blanks : {"\n", " \t\r\n\f\v"}) {
      const std::size_t begin = std::min(whole.find_first_not_of(blanks), whole.size());
      const std::size_t end = whole.find_last_not_of(blanks) + 1;
      add(whole.substr(0, end));
      add(whole.substr(begin));
      add(begin < end ? whole.substr(begin, end - begin) : std::string());
    }
  };
  add_trimmed(std::string(text));
  // Trimmed texts are written as JSON, and JSON is written as JSON, in some templates.
  const std::vector<std::string> plain = forms;
  for (const auto& form : plain) {
    for (const bool ascii : {false, true}) {
      const std::string json = json_of(form, ascii);
      add(json);
      add(json_of(json, false));
    }
  }
  return forms;
}

std::vector<std::string_view> markers_in(std::string_view text) {
  std::vector<std::string_view> markers;
  for (std::size_t at = 0; (at = text.find_first_of("<[", at)) != std::string_view::npos; ++at) {
    const char closer = text[at] == '<' ? '>' : ']';
    for (std::size_t end = at + 1; end < text.size() && end - at < kMaxMarker; ++end) {
      if (text[end] == ' ' || text[end] == '\n' || text[end] == '\t') break;
      if (text[end] != closer) continue;
      if (end > at + 1) markers.push_back(text.substr(at, end + 1 - at));
      break;
    }
  }
  return markers;
}

std::vector<std::string_view> split_at_markers(std::string_view text, std::string_view template_source) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (const auto marker : markers_in(text)) {
    const auto at = static_cast<std::size_t>(marker.data() - text.data());
    if (at < begin || !template_source.contains(marker)) continue;
    parts.push_back(text.substr(begin, at - begin));
    parts.push_back(marker);
    begin = at + marker.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace llama::internal
