#include "compare/text_index.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <mutex>
#include <string_view>
#include <utility>

#include "llama-base/digest.h"
#include "values/piece_team.h"

namespace llama::internal {
namespace {

bool is_text_column(const VectorTable& table, const std::string& name) {
  return std::ranges::any_of(table.columns(),
                             [&](const TableColumn& c) { return c.name == name && c.kind == CellKind::Text; });
}

// 32 hex digits.
std::optional<std::array<std::uint64_t, 2>> parse_digest(std::string_view hex) {
  std::array<std::uint64_t, 2> digest{};
  if (hex.size() != 32) return std::nullopt;
  for (std::size_t half = 0; half < 2; ++half) {
    const char* const begin = hex.data() + half * 16;
    const auto read = std::from_chars(begin, begin + 16, digest[half], 16);
    if (read.ec != std::errc() || read.ptr != begin + 16) return std::nullopt;
  }
  return digest;
}

}  // namespace

Result<std::vector<IndexedText>> index_texts(const VectorFile& file, const std::optional<std::string>& text_column,
                                             const std::string& hash_column, std::size_t workers,
                                             const std::stop_token& stop) {
  const VectorTable& table = file.table();
  const bool has_hashes = !text_column && is_text_column(table, hash_column);
  const std::string column = has_hashes ? hash_column : text_column.value_or(file.text_column());
  if (!is_text_column(table, column)) {
    return fail(
        ErrorCode::InvalidArgument,
        std::format("file '{}' has {}, so its texts cannot be matched", table.files().front().path,
                    text_column ? std::format("no column of text '{}'", column)
                                : std::format("neither a column '{}' nor one of texts that can be told", hash_column)));
  }
  std::vector<std::vector<IndexedText>> found(workers);
  std::mutex mutex;
  std::optional<Error> wrong;
  auto read = read_pieces(table, {column}, workers, stop, [&](std::size_t worker, std::size_t, const VectorBlock& b) {
    for (std::size_t i = 0; i < b.vectors; ++i) {
      const std::size_t row = b.row(i);
      const auto cell = b.columns[0].text(row);
      if (!cell) continue;
      const auto digest = parse_digest(has_hashes ? std::string(*cell) : digest_of(*cell, DigestKind::Md5).hex);
      if (digest) {
        found[worker].push_back({.digest = *digest, .row = b.first_row + row});
        continue;
      }
      const std::scoped_lock lock(mutex);
      wrong = Error{ErrorCode::Corrupt, std::format("file '{}', row {}: '{}' is no MD5", table.files().front().path,
                                                    b.first_row + row, cell->substr(0, 40))};
    }
  });
  if (!read) return std::unexpected(read.error());
  if (wrong) return std::unexpected(std::move(*wrong));
  std::vector<IndexedText> all = std::move(found.front());
  for (std::size_t i = 1; i < found.size(); ++i) {
    all.append_range(found[i]);
    found[i] = {};
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all, {}, &IndexedText::digest).begin(), all.end());
  return all;
}

}  // namespace llama::internal
