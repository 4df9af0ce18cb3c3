#include "llama-vectors/inspection.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <mutex>
#include <utility>

#include "inspect/distribution_count.h"
#include "inspect/row_digests.h"
#include "inspect/vector_sample.h"
#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama {
namespace internal {
namespace {

constexpr std::size_t kMaxExamples = 3;

// The columns that come along, and where each is among them.
struct InspectedColumns {
  std::vector<std::string> names;
  std::optional<std::size_t> text, tokens, truncated;
};

bool has_column(const VectorTable& table, std::string_view name, CellKind kind) {
  return std::ranges::any_of(table.columns(), [&](const TableColumn& c) { return c.name == name && c.kind == kind; });
}

InspectedColumns choose_inspected(const VectorFile& file, const InspectOptions& options) {
  InspectedColumns chosen;
  const auto add = [&](const std::string& name) {
    chosen.names.push_back(name);
    return chosen.names.size() - 1;
  };
  const std::string text = options.text_column.value_or(file.text_column());
  if (!text.empty()) chosen.text = add(text);
  // token_count is before the cut, and sequence_length is what the model read.
  for (const char* name : {"token_count", "sequence_length"}) {
    if (chosen.tokens || !has_column(file.table(), name, CellKind::Number)) continue;
    chosen.tokens = add(name);
  }
  if (has_column(file.table(), "truncated", CellKind::Number)) chosen.truncated = add("truncated");
  return chosen;
}

// What one thread counts. Sums are kept by piece, so that their order is the file's.
struct InspectedRows {
  explicit InspectedRows(std::uint64_t share) : digests(share) {}
  Inspection counts;
  RowDigests digests;
  std::vector<double> wide;
  std::vector<std::pair<std::size_t, DistributionCount>> norms, tokens;  // of pieces
  std::uint64_t at_limit = 0, marked = 0;                                // truncated, by tokens and by their column

  static DistributionCount& of_piece(std::vector<std::pair<std::size_t, DistributionCount>>& all, std::size_t piece) {
    if (all.empty() || all.back().first != piece) all.emplace_back(piece, DistributionCount());
    return all.back().second;
  }
};

class Inspector {
 public:
  Inspector(const VectorFile& file, const InspectOptions& options, const InspectedColumns& columns)
      : columns_(&columns),
        limit_(file.provenance().max_length),
        widener_(file.table().vectors().element, std::max(file.dimension(), 1), file.provenance().int8_scales),
        sample_(file.table().rows(), options.sample, options.seed, widener_.length()) {}

  void look_at(InspectedRows& rows, std::size_t piece, const VectorBlock& block) {
    rows.counts.nulls += block.nulls;
    rows.counts.other_lengths += block.other_lengths;
    rows.counts.rows += block.rows;
    std::vector<std::uint64_t> texts;
    if (columns_->text) texts = look_at_texts(rows, block);
    look_at_tokens(rows, piece, block);
    DistributionCount& norms = InspectedRows::of_piece(rows.norms, piece);
    rows.wide.resize(widener_.length());
    for (std::size_t i = 0; i < block.vectors; ++i) {
      const std::byte* const vector = block.values + i * widener_.stride();
      const double norm = norm_of(vector, rows.wide);
      if (!std::isfinite(norm)) {
        ++rows.counts.non_finite;
        continue;
      }
      ++rows.counts.vectors;
      if (norm == 0.0) ++rows.counts.zeros;
      norms.add(norm);
      const std::size_t row = block.row(i);
      const std::string_view bytes(reinterpret_cast<const char*>(vector), widener_.stride());
      rows.digests.add_vector(digest64(bytes), texts.empty() ? 0 : texts[row], block.first_row + row);
      sample_.offer(block.first_row + row, rows.wide.data(), norm);
    }
  }

  [[nodiscard]] Result<VectorSample::Similarities> compare(std::size_t workers, const std::stop_token& stop) {
    return sample_.compare(workers, stop);
  }

 private:
  double norm_of(const std::byte* vector, std::vector<double>& wide) const {
    widener_.widen(vector, wide.data());
    return std::sqrt(kernels_->products(wide.data(), nullptr, 0, wide.size(), nullptr));
  }

  std::vector<std::uint64_t> look_at_texts(InspectedRows& rows, const VectorBlock& block) const {
    std::vector<std::uint64_t> digests(block.rows);
    const BlockColumn& cells = block.columns[*columns_->text];
    for (std::size_t row = 0; row < block.rows; ++row) {
      const auto text = cells.text(row);
      if (!text) {
        ++rows.counts.null_texts;
        continue;
      }
      digests[row] = digest64(*text);
      rows.digests.add_text(digests[row]);
    }
    return digests;
  }

  void look_at_tokens(InspectedRows& rows, std::size_t piece, const VectorBlock& block) const {
    for (std::size_t row = 0; columns_->tokens && row < block.rows; ++row) {
      const auto tokens = block.columns[*columns_->tokens].number(row);
      if (!tokens || !std::isfinite(*tokens)) continue;
      InspectedRows::of_piece(rows.tokens, piece).add(*tokens);
      if (limit_ && *tokens >= *limit_) ++rows.at_limit;
    }
    for (std::size_t row = 0; columns_->truncated && row < block.rows; ++row)
      rows.marked += block.columns[*columns_->truncated].number(row).value_or(0) != 0 ? 1 : 0;
  }

  const InspectedColumns* columns_;
  std::optional<std::int32_t> limit_;
  VectorWidener widener_;
  const SimilarityKernels* kernels_ = &similarity_kernels();
  VectorSample sample_;
};

Distribution sum_up(std::vector<std::pair<std::size_t, DistributionCount>> pieces) {
  std::ranges::sort(pieces, {}, &std::pair<std::size_t, DistributionCount>::first);
  DistributionCount all;
  for (const auto& [piece, count] : pieces) all.merge(count);
  return all.distribution();
}

void add_up(Inspection& to, const Inspection& more) {
  to.rows += more.rows;
  to.vectors += more.vectors;
  to.nulls += more.nulls;
  to.other_lengths += more.other_lengths;
  to.non_finite += more.non_finite;
  to.zeros += more.zeros;
  to.null_texts += more.null_texts;
}

Inspection gather(std::vector<InspectedRows>& workers, const InspectedColumns& columns, const VectorFile& file,
                  std::uint64_t share) {
  Inspection all;
  InspectedRows& first = workers.front();
  for (InspectedRows& one : workers) {
    add_up(all, one.counts);
    if (&one == &first) continue;
    first.norms.append_range(one.norms);
    first.tokens.append_range(one.tokens);
    first.at_limit += one.at_limit;
    first.marked += one.marked;
    first.digests.merge(std::move(one.digests));
  }
  all.norms = sum_up(std::move(first.norms));
  if (columns.tokens) {
    all.token_column = columns.names[*columns.tokens];
    all.tokens = sum_up(std::move(first.tokens));
  }
  if (columns.truncated) {
    all.truncated = first.marked;
  } else if (columns.tokens && file.provenance().max_length) {
    all.truncated = first.at_limit;
  }
  if (columns.text) all.text_column = columns.names[*columns.text];
  all.counted_share = share;
  all.digest_bytes = first.digests.size_bytes();
  all.duplicate_texts = first.digests.duplicate_texts();
  RowDigests::Vectors vectors = first.digests.duplicate_vectors(kMaxExamples);
  all.duplicate_vectors = vectors.duplicates;
  if (columns.text) all.shared = std::move(vectors.shared);
  return all;
}

}  // namespace
}  // namespace internal

Result<Inspection> inspect_vectors(const VectorFile& file, const InspectOptions& options, const std::stop_token& stop) {
  if (const auto& text = options.text_column; text && internal::has_column(file.table(), *text, CellKind::Number))
    return fail(ErrorCode::InvalidArgument, std::format("column '{}' is no text", *text));
  const internal::InspectedColumns columns = internal::choose_inspected(file, options);
  const std::uint64_t wanted = file.table().rows() * internal::RowDigests::kRowBytes;
  const std::uint64_t share = std::max<std::uint64_t>(
      1, (wanted + options.digest_bytes - 1) / std::max<std::uint64_t>(options.digest_bytes, 1));
  const std::size_t workers = internal::team_size(options.threads, file.table().pieces());
  std::vector<internal::InspectedRows> rows(workers, internal::InspectedRows(share));
  internal::Inspector inspector(file, options, columns);
  std::mutex mutex;
  std::uint64_t done = 0;
  auto read = internal::read_pieces(file.table(), columns.names, workers, stop,
                                    [&](std::size_t worker, std::size_t piece, const VectorBlock& block) {
                                      inspector.look_at(rows[worker], piece, block);
                                      if (!options.on_progress) return;
                                      const std::scoped_lock lock(mutex);
                                      options.on_progress(done += block.rows);
                                    });
  if (!read) return std::unexpected(read.error());
  Inspection all = internal::gather(rows, columns, file, share);
  auto similar = inspector.compare(internal::team_size(options.threads, options.sample), stop);
  if (!similar) return std::unexpected(similar.error());
  all.sampled = similar->sampled;
  all.pairs = std::move(similar->pairs);
  all.neighbours = std::move(similar->neighbours);
  return all;
}

}  // namespace llama
