// Check a GGUF file's header before llama.cpp sees it, which trusts what it reads.
//
// Everything that the header says is checked against the file's size, with arithmetic that cannot overflow: counts,
// lengths, types, alignment, and that each tensor lies inside the file. Nothing in the metadata is ever executed.
//
// Limits   65,536 keys and as many tensors; 64 MiB in one string, 16 KiB in one token; 4 Mi entries in a list of
//          strings; 256 MiB in all of the header. The largest published models use a hundredth of each.
// Errors   InvalidModel (one line that says what is wrong, and for web pages, LFS pointers and files of other programs
//          what the file is instead), NotFound, Io.
// Cost     one pass over the header. What stays in memory is bounded: names and short values 16 MiB together, tensors
//          about 10 MiB; while the vocabulary is read, 16 bytes per token.
// Source   the GGUF specification in ggml's docs/gguf.md; the CVEs of gguf.cpp (CVE-2024-21802, -21825, -21836, -23496,
//          -23605, CVE-2025-53630, CVE-2026-27940, CVE-2026-33298) are each a missing check of this kind.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// The numbers are those in the file.
enum class GgufType : std::uint32_t {
  Uint8,
  Int8,
  Uint16,
  Int16,
  Uint32,
  Int32,
  Float32,
  Bool,
  String,
  Array,
  Uint64,
  Int64,
  Float64
};

struct GgufValue {
  GgufType type = GgufType::Uint8;
  GgufType element = GgufType::Uint8;  // of an array
  std::uint64_t count = 1;             // entries of an array
  std::string text;  // numbers in decimal, strings up to their first NUL; empty for arrays and above 4096 bytes
};

struct GgufTensor {
  std::string name;
  std::array<std::uint64_t, 4> shape{1, 1, 1, 1};  // the first number is the length of a row
  std::uint32_t type = 0;                          // ggml.h, enum ggml_type
  std::uint64_t offset = 0;                        // of its first byte in the file
  std::uint64_t size_bytes = 0;
};

struct GgufHeader {
  std::uint32_t version = 0;
  std::uint64_t tensor_count = 0;
  std::uint64_t file_size_bytes = 0;
  std::map<std::string, GgufValue, std::less<>> values;
  std::vector<GgufTensor> tensors;  // in the order of the file, none twice

  [[nodiscard]] const GgufValue* find(std::string_view key) const;  // nullptr where absent
  [[nodiscard]] std::string value(std::string_view key) const;      // "" where absent
  // Of a split model; 1 for a whole one, and for one that was split once and has been merged.
  [[nodiscard]] int split_count() const;
  [[nodiscard]] int split_index() const;  // counted from 0
};

[[nodiscard]] Result<GgufHeader> read_gguf_header(const std::filesystem::path& file);

// Refuse what has a sound header but is no language model: projectors, adapters, importance matrices, control vectors,
// drafts of speculative decoding. The metadata and the number of tensors decide, so the beginning of a header is
// enough.
// Source   GGUFType in gguf-py's constants.py (general.type: model, adapter, imatrix, mmproj); llama.cpp's
//          architectures eagle3, dflash, gemma4-assistant; nextn_predict_layers of files that hold the draft alone.
[[nodiscard]] Result<void> check_is_model(const GgufHeader& header, const std::filesystem::path& file);

}  // namespace llama
