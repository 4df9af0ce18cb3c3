#include "llama-vectors/file_comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "compare/neighbour_agreement.h"
#include "compare/text_index.h"
#include "inspect/distribution_count.h"
#include "inspect/vector_sample.h"
#include "values/piece_team.h"
#include "values/row_vectors.h"
#include "values/similarity_kernels.h"

namespace llama {
namespace internal {
namespace {

// A text that is in both.
struct MatchedText {
  std::uint64_t row_a, row_b;
};

std::vector<MatchedText> match_texts(const std::vector<IndexedText>& a, const std::vector<IndexedText>& b) {
  std::vector<MatchedText> matched;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    if (x->digest == y->digest) {
      matched.push_back({x->row, y->row});
      ++x, ++y;
    } else if (x->digest < y->digest) {
      ++x;
    } else {
      ++y;
    }
  }
  std::ranges::sort(matched, {}, &MatchedText::row_a);
  return matched;
}

// Vectors of the same texts in both files, in one order.
struct MatchedVectors {
  UnitVectors a, b;
};

// The second file's rows are read in its own order and then brought into the texts'.
Result<MatchedVectors> read_matched(const VectorFile& a, const VectorFile& b, std::span<const MatchedText> texts,
                                    std::size_t workers, const std::stop_token& stop) {
  std::vector<std::uint64_t> rows_a, rows_b;
  std::vector<std::size_t> order(texts.size());
  std::ranges::iota(order, std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return texts[i].row_b; });
  for (const MatchedText& text : texts) rows_a.push_back(text.row_a);
  for (const std::size_t i : order) rows_b.push_back(texts[i].row_b);
  const auto first = RowVectors::read(a, rows_a, workers, stop);
  if (!first) return std::unexpected(first.error());
  const auto second = RowVectors::read(b, rows_b, workers, stop);
  if (!second) return std::unexpected(second.error());
  const UnitVectors unordered = UnitVectors::of(b, *second);
  MatchedVectors made{.a = UnitVectors::of(a, *first), .b = unordered};
  for (std::size_t i = 0; i < order.size(); ++i) made.b.set(order[i], unordered.vector(i));
  return made;
}

class FileComparer {
 public:
  FileComparer(const VectorFile& a, const VectorFile& b, const CompareOptions& options)
      : a_(a),
        b_(b),
        options_(options),
        workers_(team_size(options.threads, std::max(a.table().pieces(), b.table().pieces()))) {}

  Result<FileComparison> run(const std::stop_token& stop) {
    auto matched = match(stop);
    if (!matched) return std::unexpected(matched.error());
    const std::vector<MatchedText>& texts = *matched;
    found_.no_cosine = why_no_cosine(a_, b_);
    if (found_.no_cosine.empty())
      if (auto compared = compare_cosines(texts, stop); !compared) return std::unexpected(compared.error());
    if (auto compared = compare_sample(texts, stop); !compared) return std::unexpected(compared.error());
    return std::move(found_);
  }

 private:
  Result<std::vector<MatchedText>> match(const std::stop_token& stop) {
    found_.rows_a = a_.table().rows();
    found_.rows_b = b_.table().rows();
    const auto a = index_texts(a_, options_.text_column, options_.hash_column, workers_, stop);
    if (!a) return std::unexpected(a.error());
    const auto b = index_texts(b_, options_.text_column, options_.hash_column, workers_, stop);
    if (!b) return std::unexpected(b.error());
    std::vector<MatchedText> matched = match_texts(*a, *b);
    found_.texts_a = a->size();
    found_.texts_b = b->size();
    found_.in_both = matched.size();
    found_.only_a = found_.texts_a - found_.in_both;
    found_.only_b = found_.texts_b - found_.in_both;
    return matched;
  }

  // A part of the texts at a time, so many as fit into memory. Cost: a product for each text.
  Result<void> compare_cosines(const std::vector<MatchedText>& texts, const std::stop_token& stop) {
    const std::uint64_t bytes_of_text =
        std::uint64_t{24} * padded(static_cast<std::size_t>(std::max(a_.dimension(), 1)));
    const auto together = static_cast<std::size_t>(std::max<std::uint64_t>(1, options_.vector_bytes / bytes_of_text));
    DistributionCount cosines;
    for (std::size_t begin = 0; begin < texts.size(); begin += together) {
      const auto part = std::span(texts).subspan(begin, std::min(together, texts.size() - begin));
      const auto vectors = read_matched(a_, b_, part, workers_, stop);
      if (!vectors) return std::unexpected(vectors.error());
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (!vectors->a.has(i) || !vectors->b.has(i)) {
          ++found_.without_direction;
          continue;
        }
        double cosine = 0;
        similarity_kernels().products(vectors->a.vector(i), vectors->b.vector(i), 1, vectors->a.length(), &cosine);
        // Of equal vectors exactly 1, which sums of squares miss by their last bits.
        cosine = std::round(cosine * 0x1p40) * 0x1p-40;
        cosines.add(cosine);
        found_.moved.push_back({.row_a = part[i].row_a, .row_b = part[i].row_b, .cosine = cosine, .overlap = {}});
      }
      keep_moved([](const MovedText& text) { return *text.cosine; });
      if (options_.on_progress) options_.on_progress(begin + part.size());
    }
    found_.cosines = cosines.distribution();
    return {};
  }

  // Of equal ones the first rows.
  template <class Nearness>
  void keep_moved(Nearness nearness) {
    std::ranges::sort(found_.moved, {}, [&](const MovedText& text) { return std::pair(nearness(text), text.row_a); });
    if (found_.moved.size() > options_.max_moved) found_.moved.resize(options_.max_moved);
  }

  Result<void> compare_sample(const std::vector<MatchedText>& texts, const std::stop_token& stop) {
    std::vector<MatchedText> sample;
    for (const std::uint64_t i : choose_sample(texts.size(), options_.sample, options_.seed))
      sample.push_back(texts[i]);
    const auto vectors = read_matched(a_, b_, sample, workers_, stop);
    if (!vectors) return std::unexpected(vectors.error());
    auto agreement = agreement_of(vectors->a, vectors->b, options_.k,
                                  team_size(options_.threads, std::max<std::size_t>(sample.size(), 1)), stop);
    if (!agreement) return std::unexpected(agreement.error());
    found_.neighbours = std::move(*agreement);
    const NeighbourAgreement& near = found_.neighbours;
    if (found_.no_cosine.empty()) {
      for (MovedText& text : found_.moved)
        for (std::size_t i = 0; i < near.overlaps.size(); ++i)
          if (sample[near.positions[i]].row_a == text.row_a) text.overlap = near.overlaps[i];
      return {};
    }
    for (std::size_t i = 0; i < near.overlaps.size(); ++i) {
      const MatchedText& text = sample[near.positions[i]];
      found_.moved.push_back({.row_a = text.row_a, .row_b = text.row_b, .cosine = {}, .overlap = near.overlaps[i]});
    }
    keep_moved([](const MovedText& text) { return *text.overlap; });
    return {};
  }

  const VectorFile& a_;
  const VectorFile& b_;
  const CompareOptions& options_;
  std::size_t workers_;
  FileComparison found_;
};

}  // namespace
}  // namespace internal

Result<FileComparison> compare_files(const VectorFile& a, const VectorFile& b, const CompareOptions& options,
                                     const std::stop_token& stop) {
  return internal::FileComparer(a, b, options).run(stop);
}

}  // namespace llama
