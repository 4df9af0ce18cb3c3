// Recognise the parts of a split model by their names: "base-00001-of-00003.gguf"; know its content by theirs.
//
// Source   llama.h, llama_split_path: five digits each, counted from 1.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

struct PartName {
  std::string base;              // the name before "-00001-of-00003.gguf", with its folder if it had one
  int index = 1;                 // 1 to count
  int count = 1;                 // 1 to 9999
  std::string ending = ".gguf";  // as it is written: ".GGUF" is one too

  [[nodiscard]] std::string name_of(int part) const;
  [[nodiscard]] std::vector<std::string> all_names() const;
};

// Nothing for a name that is no part of a split model, or whose numbers make no sense.
[[nodiscard]] std::optional<PartName> parse_part_name(std::string_view name);

// The digest of a model's content, from the SHA-256 of each of its files in their order, in hex: that of a single file,
// of a split model the SHA-256 of its parts' in lines: sha256sum base-*.gguf | cut -c1-64 | sha256sum.
[[nodiscard]] std::string sha256_of_parts(std::span<const std::string> digests);

}  // namespace llama
