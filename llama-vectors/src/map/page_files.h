// The files of src/map/page, as CMake puts them into the program (page/embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace llama::internal {

[[nodiscard]] std::string_view page_body();                      // page.html
[[nodiscard]] std::string_view page_style();                     // page.css
[[nodiscard]] std::span<const std::string_view> page_scripts();  // in the order in which they need each other

}  // namespace llama::internal
