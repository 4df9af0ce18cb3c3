// Check a GGUF file's header before llama.cpp sees it, which trusts what it reads.
//
// Everything that the header says is checked against the file's size, with arithmetic that cannot overflow: counts,
// lengths, types, alignment, and that each tensor lies inside the file. Nothing in the metadata is ever executed.
// Errors   InvalidModel (one line that says what is wrong, and for web pages, LFS pointers and projectors what the file
//          is instead), NotFound, Io.
// Cost     reads the header only, in bounded memory.
// Source   the GGUF specification in ggml's docs/gguf.md; the CVEs of gguf.cpp (CVE-2024-21802, -21825, -21836, -23496,
//          -23605, CVE-2025-53630, CVE-2026-33298) are each a missing check of this kind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "llama-core/error.h"

namespace llama {

struct GgufHeader {
  std::uint32_t version = 0;
  std::uint64_t tensor_count = 0;
  std::uint64_t file_size_bytes = 0;
  std::map<std::string, std::string> values;  // scalar and short string metadata, numbers in decimal

  [[nodiscard]] std::string value(const std::string& key) const;  // "" where absent
  // Of a split model; 1 for a whole one.
  [[nodiscard]] int split_count() const;
  [[nodiscard]] int split_index() const;  // counted from 0
};

[[nodiscard]] Result<GgufHeader> read_gguf_header(const std::filesystem::path& file);

// Refuse what has a sound header but is no language model: projectors, adapters, importance matrices.
[[nodiscard]] Result<void> check_is_model(const GgufHeader& header, const std::filesystem::path& file);

}  // namespace llama
