#include "llama-base/text_kind.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <format>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t at;
  std::string_view bytes;
  std::string_view name;
  std::string_view way_out;
};

constexpr std::string_view kUnpack = "; unpack it first";
constexpr std::string_view kTable = "; write what is needed of it as text first";
constexpr std::array kMagics = {
    Magic{0, "\x89PNG\r\n\x1a\n"sv, "a PNG image", ""},
    Magic{0, "\xff\xd8\xff"sv, "a JPEG image", ""},
    Magic{0, "GIF8"sv, "a GIF image", ""},
    Magic{0, "%PDF-"sv, "a PDF document", "; extract its text first (pdftotext)"},
    Magic{0, "\x1f\x8b"sv, "a gzip archive", "; unpack it first (gzip -dc)"},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "a zstd archive", "; unpack it first (zstd -dc)"},
    Magic{0, "\xfd\x37zXZ\0"sv, "an xz archive", "; unpack it first (xz -dc)"},
    Magic{0, "BZh"sv, "a bzip2 archive", "; unpack it first (bzip2 -dc)"},
    Magic{0, "\x04\x22\x4d\x18"sv, "an lz4 archive", "; unpack it first (lz4 -dc)"},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpack},
    Magic{257, "ustar"sv, "a tar archive", kUnpack},
    Magic{0, "PAR1"sv, "a Parquet file", kTable},
    Magic{0, "ARROW1"sv, "an Arrow file", kTable},
    Magic{0, "ORC"sv, "an ORC file", kTable},
    Magic{0, "Obj\x01"sv, "an Avro file", kTable},
    Magic{0, "SQLite format 3\0"sv, "an SQLite database", kTable},
    Magic{8, "DUCK"sv, "a DuckDB database", kTable},
    Magic{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an old Office document", "; save it as text first"},
    Magic{0, "GGUF"sv, "a GGUF model", ""},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", ""},
    Magic{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file", kTable},
    Magic{0,
          "\x7f"
          "ELF"sv,
          "a program", ""},
};

// A zip archive is often something else by its members' names.
std::string zip_kind(std::string_view start) {
  if (start.contains("xl/")) return "an Excel workbook; save the sheet as text first";
  if (start.contains("word/") || start.contains("ppt/")) return "an Office document; save it as text first";
  if (start.contains("opendocument")) return "an OpenDocument file; save it as text first";
  return "a zip archive; unpack it first (unzip -p)";
}

std::optional<std::string> magic_kind(std::string_view start) {
  if (start.starts_with("PK\x03\x04")) return zip_kind(start);
  for (const Magic& magic : kMagics) {
    if (start.size() >= magic.at && start.substr(magic.at).starts_with(magic.bytes))
      return std::format("{}{}", magic.name, magic.way_out);
  }
  return std::nullopt;
}

std::string convert(std::string_view from, std::string_view how_known) {
  return std::format("it is {}{}; convert it first (iconv -f {} -t UTF-8)", from, how_known, from);
}

// UTF-32's little-endian mark begins as UTF-16's does.
std::optional<std::string> marked_encoding(std::string_view start) {
  constexpr std::string_view kByMark = " by its byte-order mark";
  if (start.starts_with("\xff\xfe\0\0"sv) || start.starts_with("\0\0\xfe\xff"sv)) return convert("UTF-32", kByMark);
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff")) return convert("UTF-16", kByMark);
  return std::nullopt;
}

struct Oddities {
  std::size_t nul = 0;
  std::array<std::size_t, 4> nul_at{};  // of those: by their place modulo 4
  std::size_t broken = 0;               // bytes that are no UTF-8
};

Oddities count_oddities(std::string_view start) {
  Oddities found;
  for (std::size_t i = 0; i < start.size();) {
    if (start[i] == '\0') {
      ++found.nul;
      ++found.nul_at[i % 4];
    }
    const Decoded next = decode(start, i);
    // A character that the first bytes end in is only cut.
    if (next.length == 1 && static_cast<unsigned char>(start[i]) >= 0x80 && start.size() - i >= 4) ++found.broken;
    i += next.length;
  }
  return found;
}

// Names of one letter that end in NUL bytes (find -print0) look like a word in UTF-16LE, which has only letters; a text
// has spaces, line ends or signs besides.
bool has_wide_signs(std::string_view start) {
  for (std::size_t i = 0; i + 1 < start.size(); i += 2) {
    const char c = start[i], small = static_cast<char>(c | 0x20);
    const bool is_in_name = (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9');
    if (start[i + 1] == '\0' && !is_in_name) return true;
  }
  return false;
}

// Most characters of a text in a Latin script are a byte and one (UTF-16) or three (UTF-32) NUL bytes; of a short text
// all have to be.
std::optional<std::string> unmarked_encoding(const Oddities& found, std::string_view start) {
  constexpr std::string_view kGuessed = " as it seems";
  constexpr std::size_t kSmallest = 4, kShort = 16;
  const std::size_t size = start.size();
  if (size < kSmallest || (size < kShort && found.nul < (size + 1) / 2)) return std::nullopt;
  // Of the bytes of one place in four, which are a quarter.
  const std::size_t enough = size < kShort ? size / 4 : size / 5;
  const auto many = [&](std::size_t place) { return found.nul_at[place] >= enough; };
  const auto few = [&](std::size_t place) { return found.nul_at[place] <= size / 20; };
  if (many(1) && many(2) && many(3) && few(0)) return convert("UTF-32LE", kGuessed);
  if (many(0) && many(1) && many(2) && few(3)) return convert("UTF-32BE", kGuessed);
  if (many(1) && many(3) && few(0) && few(2) && has_wide_signs(start)) return convert("UTF-16LE", kGuessed);
  if (many(0) && many(2) && few(1) && few(3)) return convert("UTF-16BE", kGuessed);
  return std::nullopt;
}

enum class ManyNulBytes { AreNoText, MayFillFields };

std::optional<std::string> what_instead(std::string_view start, ManyNulBytes many) {
  start = start.substr(0, kTextKindBytes);
  if (auto marked = marked_encoding(start)) return marked;
  if (start.find('\0') == std::string_view::npos && is_utf8(start)) return std::nullopt;
  const Oddities found = count_oddities(start);
  if (found.nul == 0 && found.broken == 0) return std::nullopt;
  if (auto kind = magic_kind(start)) return std::format("it looks like {}", *kind);
  if (auto unmarked = unmarked_encoding(found, start)) return unmarked;
  constexpr std::size_t kSmallestMixture = 64;  // fewer bytes tell nothing
  if (start.size() < kSmallestMixture) return std::nullopt;
  if (found.nul > 0 && found.broken > 0 && found.nul + found.broken > start.size() / 10)
    return "it has NUL bytes and others that no text has, as binary files do";
  // Names of one letter that end in NUL bytes have as many NUL bytes as letters.
  if (many == ManyNulBytes::AreNoText && found.nul > start.size() / 2)
    return "most of its bytes are NUL bytes; take them out first (tr -d '\\000')";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_no_text(std::string_view start) { return what_instead(start, ManyNulBytes::AreNoText); }

std::optional<std::string> why_no_table(std::string_view start) {
  return what_instead(start, ManyNulBytes::MayFillFields);
}

std::optional<std::string> why_not_utf8(std::string_view text) {
  if (auto kind = why_no_text(text)) return kind;
  if (!is_utf8(text)) return "it is not UTF-8; convert it first (iconv -t UTF-8)";
  return std::nullopt;
}

}  // namespace llama::internal
