#include "code_call.h"

#include <algorithm>
#include <array>
#include <format>

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 3> kCodeTools{"ipython", "python", "code_interpreter"};

void append_escaped(char c, std::string& json) {
  constexpr std::string_view kNames = "bfnrt\"\\", kValues = "\b\f\n\r\t\"\\";
  if (const std::size_t at = kValues.find(c); at != std::string_view::npos) {
    json += '\\';
    json += kNames[at];
  } else if (static_cast<unsigned char>(c) < 0x20) {
    json += std::format("\\u{:04x}", static_cast<unsigned>(c));
  } else {
    json += c;
  }
}

}  // namespace

bool is_code_tool(std::string_view name) { return std::ranges::contains(kCodeTools, name); }

std::string code_tool(const std::vector<std::string>& tools, std::string_view written) {
  const auto is_offered = [&](std::string_view name) { return std::ranges::contains(tools, name); };
  if (!is_offered(written)) {
    const auto* const other = std::ranges::find_if(kCodeTools, is_offered);
    if (other != kCodeTools.end()) return std::string(*other);
  }
  return std::string(written);
}

std::size_t CodeCall::push(std::string_view text, ReplyEvents& events) {
  std::string json;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      blanks_ += c;
      continue;
    }
    if (!begun_) {
      begun_ = true;
      events.emplace_back(ToolCallBegun{.call = number_, .name = name_});
      json += R"({"code": ")";
      // What is left is an indentation.
      blanks_.erase(0, blanks_.contains('\n') ? blanks_.rfind('\n') + 1 : blanks_.size());
    }
    for (const char blank : blanks_) append_escaped(blank, json);
    blanks_.clear();
    append_escaped(c, json);
  }
  if (!json.empty()) events.emplace_back(ToolCallArguments{.call = number_, .json = std::move(json)});
  return text.size();
}

void CodeCall::finish(bool is_whole, ReplyEvents& events) {
  over_ = true;
  if (!begun_) return;
  // Code that was cut off keeps the text that it has, which is no JSON: nobody shall run it.
  if (is_whole) events.emplace_back(ToolCallArguments{.call = number_, .json = "\"}"});
  events.emplace_back(ToolCallEnded{.call = number_, .is_complete = is_whole});
}

}  // namespace llama::internal
