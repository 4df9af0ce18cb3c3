#include "verify/text_check.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <mutex>
#include <utility>

#include "llama-base/digest.h"
#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama::internal {
namespace {

constexpr std::size_t kBeginningBytes = 200;

bool has_text_column(const VectorTable& table, const std::string& name) {
  return std::ranges::any_of(table.columns(),
                             [&](const TableColumn& c) { return c.name == name && c.kind == CellKind::Text; });
}

// What one thread has found.
class TextChecker {
 public:
  TextChecker(const VectorFile& file, const CheckedColumns& columns, std::size_t max_listed)
      : has_texts_(!columns.text.empty()),
        has_hashes_(!columns.hash.empty()),
        dimension_(std::max(file.dimension(), 1)),
        max_listed_(max_listed),
        widener_(file.table().vectors().element, dimension_, file.provenance().int8_scales),
        wide_(widener_.length()) {}

  void look_at(const VectorBlock& block) {
    found_.rows += block.rows;
    found_.nulls += block.nulls;
    found_.other_lengths += block.other_lengths;
    found_.wrong_vectors += block.other_lengths;
    if (has_hashes_ && has_texts_)
      for (std::size_t row = 0; row < block.rows; ++row) look_at_text(block, row);
    for (std::size_t i = 0; i < block.vectors; ++i) look_at_vector(block, i);
    if (block.other_lengths > 0) list_other_lengths(block);
  }

  [[nodiscard]] Verification& found() { return found_; }

 private:
  void list(const VectorBlock& block, std::size_t row, WrongKind kind, std::string what) {
    if (found_.wrong.size() >= 2 * max_listed_) keep_first_listed(found_.wrong, max_listed_);
    const auto text = has_texts_ ? block.columns[0].text(row) : std::nullopt;
    found_.wrong.push_back({.row = block.first_row + row,
                            .kind = kind,
                            .what = std::move(what),
                            .cosine = std::nullopt,
                            .text = beginning_of(text.value_or(""))});
  }

  static void keep_first_listed(std::vector<WrongRow>& wrong, std::size_t count) {
    std::ranges::stable_sort(wrong, {}, &WrongRow::row);
    wrong.resize(std::min(wrong.size(), count));
  }

  void look_at_text(const VectorBlock& block, std::size_t row) {
    const auto text = block.columns[0].text(row), hash = block.columns[1].text(row);
    found_.null_texts += text ? 0 : 1;
    if (!text && !hash) return;
    if (!text || !hash) {
      ++found_.without_md5;
      ++found_.wrong_texts;
      return list(block, row, WrongKind::NoHash, text ? "the text has no MD5" : "there is an MD5 and no text");
    }
    ++found_.texts;
    std::string md5 = digest_of(*text, DigestKind::Md5).hex;
    if (md5 == *hash) return;
    ++found_.other_md5s;
    ++found_.wrong_texts;
    list(block, row, WrongKind::Text, std::format("the text's MD5 is {}, the file says {}", md5, beginning_of(*hash)));
  }

  void look_at_vector(const VectorBlock& block, std::size_t i) {
    widener_.widen(block.values + i * widener_.stride(), wide_.data());
    double squares = 0;
    similarity_kernels().products(wide_.data(), wide_.data(), 1, wide_.size(), &squares);
    if (squares == 0) ++found_.zeros;
    if (std::isfinite(squares)) return;
    ++found_.non_finite;
    ++found_.wrong_vectors;
    list(block, block.row(i), WrongKind::NonFinite, "NaN or infinity in the vector");
  }

  // Which rows they are is told only where the block has no nulls, or they are not among the listed.
  void list_other_lengths(const VectorBlock& block) {
    if (block.nulls > 0) return;
    std::size_t i = 0;
    for (std::size_t row = 0; row < block.rows; ++row) {
      if (i < block.vectors && block.row(i) == row) {
        ++i;
      } else {
        list(block, row, WrongKind::OtherLength, std::format("the vector has not {} dimensions", dimension_));
      }
    }
  }

  bool has_texts_, has_hashes_;
  std::int32_t dimension_;
  std::size_t max_listed_;
  VectorWidener widener_;
  std::vector<double> wide_;
  Verification found_;
};

}  // namespace

Result<CheckedColumns> choose_checked(const VectorFile& file, const VerifyOptions& options) {
  CheckedColumns chosen{.text = options.text_column.value_or(file.text_column()), .hash = options.hash_column};
  if (options.text_column && !has_text_column(file.table(), chosen.text))
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}' has no column of text '{}'", file.table().files().front().path, chosen.text));
  if (!has_text_column(file.table(), chosen.hash)) chosen.hash.clear();
  return chosen;
}

std::string beginning_of(std::string_view text) {
  std::size_t end = std::min(text.size(), kBeginningBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

Result<Verification> check_texts(const VectorFile& file, const CheckedColumns& columns, const VerifyOptions& options,
                                 const std::stop_token& stop) {
  const VectorTable& table = file.table();
  const std::size_t workers = team_size(options.threads, table.pieces());
  std::vector<TextChecker> checkers(workers, TextChecker(file, columns, options.max_listed));
  std::vector<std::string> names;
  if (!columns.text.empty()) names.push_back(columns.text);
  if (!columns.text.empty() && !columns.hash.empty()) names.push_back(columns.hash);
  std::mutex mutex;
  std::uint64_t rows = 0;
  auto read = read_pieces(table, names, workers, stop, [&](std::size_t worker, std::size_t, const VectorBlock& block) {
    checkers[worker].look_at(block);
    if (!options.on_rows) return;
    const std::scoped_lock lock(mutex);
    options.on_rows(rows += block.rows);
  });
  if (!read) return std::unexpected(read.error());
  Verification all;
  all.text_column = columns.text;
  all.hash_column = columns.text.empty() ? "" : columns.hash;
  for (TextChecker& checker : checkers) {
    Verification& one = checker.found();
    for (const auto count :
         {&Verification::rows, &Verification::texts, &Verification::other_md5s, &Verification::without_md5,
          &Verification::null_texts, &Verification::nulls, &Verification::zeros, &Verification::non_finite,
          &Verification::other_lengths, &Verification::wrong_texts, &Verification::wrong_vectors})
      all.*count += one.*count;
    all.wrong.append_range(one.wrong);
  }
  return all;
}

}  // namespace llama::internal
