#include "gguf/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace llama::internal {
namespace {

bool starts_with_word(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::ranges::equal(text.substr(0, lower.size()), lower, [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         });
}

std::string_view without_blanks(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto first = std::ranges::find_if_not(text, [](unsigned char c) { return std::isspace(c) != 0; });
  text.remove_prefix(static_cast<std::size_t>(first - text.begin()));
  return text;
}

// Eight bytes of length, then JSON.
bool is_safetensors(std::string_view start) {
  return start.size() > 8 && start[8] == '{' && start.substr(4, 4) == std::string_view("\0\0\0\0", 4);
}

}  // namespace

std::string_view kind_of_other_file(std::string_view start) {
  constexpr std::array kMagics{
      std::pair{"version https://git-lfs", "a Git LFS pointer, not the model: fetch the file itself ('git lfs pull')"},
      std::pair{"PK\x03\x04", "a zip archive, not a GGUF model (a PyTorch checkpoint?)"},
      std::pair{"lmgg", "in ggml's format before GGUF: convert the model anew"},
      std::pair{"fmgg", "in ggml's format before GGUF: convert the model anew"},
      std::pair{"tjgg", "in ggml's format before GGUF: convert the model anew"},
      std::pair{"algg", "an adapter in ggml's format before GGUF"},
      std::pair{"FUGG", "a big-endian GGUF file; this machine is little-endian"},
  };
  if (start.empty()) return "an empty file";
  for (const auto& [magic, kind] : kMagics) {
    if (start.starts_with(magic)) return kind;
  }
  if (is_safetensors(start)) return "a safetensors file, not a GGUF model: convert it with llama.cpp";
  const std::string_view text = without_blanks(start);
  for (const auto* tag : {"<!", "<html", "<head", "<?xml"}) {
    if (starts_with_word(text, tag)) return "a web page, not a model (a failed download?)";
  }
  if (text.starts_with('{') || text.starts_with('[')) return "JSON text, not a GGUF model";
  if (start.find_first_not_of('\0') == std::string_view::npos)
    return "nothing but zeros at its start (an unfinished download?)";
  return "not a GGUF file";
}

}  // namespace llama::internal
