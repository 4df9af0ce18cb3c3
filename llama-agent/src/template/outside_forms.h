// The forms in which a template may write a text from outside, and the markers in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

// As it is, trimmed, and as JSON writes these between quotes; each form once.
[[nodiscard]] std::vector<std::string> forms_of(std::string_view text);

// What looks like a special token: "<…>" and "[…]" without white space, up to 60 bytes.
[[nodiscard]] std::vector<std::string_view> markers_in(std::string_view text);

// The text between markers that a template's source has as well, and these markers, by turns: text, marker, text, ….
[[nodiscard]] std::vector<std::string_view> split_at_markers(std::string_view text, std::string_view template_source);

}  // namespace llama::internal
