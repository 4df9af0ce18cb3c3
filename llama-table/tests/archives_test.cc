#include <arrow/util/compression.h>
#include <gmock/gmock.h>

#include "table_files.h"

namespace llama {
namespace {

using testing::HasSubstr;

std::string archive_of(std::string_view bytes, arrow::Compression::type kind) {
  const auto codec = arrow::util::Codec::Create(kind).ValueOrDie();
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto size = static_cast<std::int64_t>(bytes.size());
  std::string packed(static_cast<std::size_t>(codec->MaxCompressedLen(size, data)), '\0');
  const auto used = codec->Compress(size, data, static_cast<std::int64_t>(packed.size()),
                                    reinterpret_cast<std::uint8_t*>(packed.data()));
  packed.resize(static_cast<std::size_t>(used.ValueOrDie()));
  return packed;
}

// DuckDB takes what it can get of both, without a word.
TEST(Archives, OneThatIsCutShortOrDamagedIsTold) {
  const TestFolder folder;
  std::string csv = "text\n", lines, array = "[";
  for (int i = 0; i < 10'000; ++i) {
    csv += std::format("row {}\n", i * 7919 % 10'007);
    lines += std::format("{{\"text\": \"row {}\"}}\n", i * 7919 % 10'007);
    array += std::format(R"({}{{"text": "row {}"}})", i == 0 ? "" : ",\n", i * 7919 % 10'007);
  }
  array += "]";
  for (const auto& [kind, ending] : {std::pair{arrow::Compression::GZIP, ".gz"}, {arrow::Compression::ZSTD, ".zst"}})
    for (const auto& [name, text] :
         {std::pair<std::string, std::string_view>{"t.csv", csv}, {"t.jsonl", lines}, {"t.json", array}}) {
      SCOPED_TRACE(name + ending);
      const std::string packed = archive_of(text, kind);
      const ReadTable whole = read_table(file_input(folder.write(name + ending, packed), {"text"}));
      EXPECT_EQ(whole.error.message, "");
      EXPECT_EQ(whole.cells.size(), 10'000u);
      for (const std::size_t part : {2, 10}) {
        const std::string path =
            folder.write("cut-" + name + ending, packed.substr(0, packed.size() - packed.size() / part));
        const Error error = read_table(file_input(path, {"text"})).error;
        EXPECT_EQ(error.message, std::format("file '{}' is cut short: its archive does not end", path));
        EXPECT_EQ(error.code, ErrorCode::InvalidText);
        if (kind == arrow::Compression::ZSTD) continue;  // without a checksum nothing tells
        std::string damaged = packed;
        damaged[packed.size() / part] ^= 4;
        EXPECT_THAT(read_table(file_input(folder.write("bad-" + name + ending, damaged), {"text"})).error.message,
                    HasSubstr("archive"));
      }
    }
}

}  // namespace
}  // namespace llama
