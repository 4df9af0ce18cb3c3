#include "llama-vectors/near_duplicates.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <format>
#include <mutex>
#include <string_view>
#include <utility>

#include "dedup/hash_table.h"
#include "dedup/held_vectors.h"
#include "dedup/row_sets.h"
#include "inspect/row_digests.h"
#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama {
namespace internal {
namespace {

constexpr std::size_t kPlannedPairs = 4'096;
constexpr int kMaxPlanBits = 64;

Result<void> check_duplicate_options(const DuplicateOptions& options) {
  if (!(options.threshold > 0 && options.threshold <= 1))
    return fail(ErrorCode::InvalidArgument,
                std::format("a threshold of {} is none: it is a cosine above 0, at most 1", options.threshold));
  if (!(options.recall > 0 && options.recall < 1))
    return fail(ErrorCode::InvalidArgument, std::format("a recall of {} is not between 0 and 1", options.recall));
  if (options.plan && (options.plan->bits < 0 || options.plan->bits > kMaxPlanBits || options.plan->tables < 1))
    return fail(ErrorCode::InvalidArgument, "a hash has 0 to 64 bits, in one table at least");
  return {};
}

class DuplicateSearch {
 public:
  DuplicateSearch(const VectorFile& file, const DuplicateOptions& options, HeldVectors vectors)
      : file_(file),
        options_(options),
        vectors_(std::move(vectors)),
        widener_(file.table().vectors().element, std::max(file.dimension(), 1), file.provenance().int8_scales),
        has_direction_(file.table().rows()),
        sets_(file.table().rows()) {}

  Result<DuplicateGroups> run(const std::stop_token& stop) {
    if (auto read = read_vectors(stop); !read) return std::unexpected(read.error());
    join_equal();
    const std::size_t workers = team_size(options_.threads, different_.size());
    NearRows near(vectors_, different_, widener_, options_.threshold, workers);
    found_.plan = options_.plan.value_or(choose_hash_plan(different_.size(), options_.threshold, options_.recall,
                                                          near.random_cosines(kPlannedPairs, options_.seed)));
    found_.recall = found_.plan.recall(options_.threshold);
    Gaussian random(options_.seed);
    for (int table = 0; table < found_.plan.tables && different_.size() > 1; ++table) {
      if (auto joined = near.join_table(found_.plan.bits, random, sets_, stop); !joined)
        return std::unexpected(joined.error());
      if (options_.on_table) options_.on_table(table + 1, found_.plan.tables);
    }
    return summed_up();
  }

 private:
  Result<void> read_vectors(const std::stop_token& stop) {
    if (file_.dimension() == 0) return {};
    const VectorTable& table = file_.table();
    const std::size_t workers = team_size(options_.threads, table.pieces());
    std::vector<std::vector<double>> wide(workers, std::vector<double>(widener_.length()));
    std::mutex mutex;
    std::uint64_t rows = 0;
    return read_pieces(table, {}, workers, stop, [&](std::size_t worker, std::size_t, const VectorBlock& block) {
      for (std::size_t i = 0; i < block.vectors; ++i) {
        const std::uint64_t row = block.first_row + block.row(i);
        const std::byte* const vector = block.values + i * widener_.stride();
        std::memcpy(vectors_.vector(row), vector, widener_.stride());
        widener_.widen(vector, wide[worker].data());
        double squares = 0;
        similarity_kernels().products(wide[worker].data(), wide[worker].data(), 1, wide[worker].size(), &squares);
        has_direction_[row] = std::isfinite(squares) && squares > 0 ? 1 : 0;
      }
      if (!options_.on_rows) return;
      const std::scoped_lock lock(mutex);
      options_.on_rows(rows += block.rows);
    });
  }

  [[nodiscard]] std::string_view bytes_of(std::uint64_t row) const {
    return {reinterpret_cast<const char*>(vectors_.vector(row)), widener_.stride()};
  }

  // Rows with one digest lie together, and of them equal ones are joined to the first. (Different vectors with one
  // digest are left to the search.) What is left are different vectors. Cost: a sort.
  void join_equal() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> digests;
    for (std::uint64_t row = 0; row < has_direction_.size(); ++row)
      if (has_direction_[row] != 0) digests.emplace_back(digest64(bytes_of(row)), row);
    std::ranges::sort(digests);
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < digests.size(); ++i) {
      const auto& [digest, row] = digests[i];
      const bool is_equal = i > 0 && digest == digests[i - 1].first && bytes_of(row) == bytes_of(first);
      if (is_equal) {
        sets_.join(first, row);
        ++found_.equal;
        continue;
      }
      first = row;
      different_.push_back(row);
    }
    std::ranges::sort(different_);
  }

  DuplicateGroups summed_up() {
    const std::uint64_t rows = has_direction_.size();
    found_.group.resize(rows);
    found_.has_vector.resize(rows);
    std::vector<std::uint64_t> sizes(rows);
    for (std::uint64_t row = 0; row < rows; ++row) {
      found_.group[row] = sets_.root(row);
      found_.has_vector[row] = has_direction_[row] != 0;
      found_.without_vector += has_direction_[row] != 0 ? 0 : 1;
      found_.duplicates += found_.group[row] != row ? 1 : 0;
      const std::uint64_t size = ++sizes[found_.group[row]];
      if (size == 2) ++found_.groups;
      found_.largest = std::max(found_.largest, size > 1 ? size : 0);
    }
    // The forest, the different rows, and either digests, or a table, or sizes and groups.
    found_.memory_bytes = rows * 40 + (vectors_.is_in_file() ? 0 : vectors_.size_bytes());
    found_.scratch_bytes = vectors_.is_in_file() ? vectors_.size_bytes() : 0;
    return std::move(found_);
  }

  const VectorFile& file_;
  const DuplicateOptions& options_;
  HeldVectors vectors_;
  VectorWidener widener_;
  std::vector<char> has_direction_;  // of each row; no vector<bool>: threads write to neighbours
  RowSets<std::uint64_t> sets_;
  std::vector<std::uint64_t> different_;
  DuplicateGroups found_;
};

}  // namespace
}  // namespace internal

Result<DuplicateGroups> find_duplicates(const VectorFile& file, const DuplicateOptions& options,
                                        const std::stop_token& stop) {
  if (auto checked = internal::check_duplicate_options(options); !checked) return std::unexpected(checked.error());
  auto vectors =
      internal::HeldVectors::create(file.table().rows(), vector_bytes(file.table().vectors().element, file.dimension()),
                                    options.vector_bytes, options.scratch_folder);
  if (!vectors) return std::unexpected(vectors.error());
  return internal::DuplicateSearch(file, options, std::move(*vectors)).run(stop);
}

}  // namespace llama
