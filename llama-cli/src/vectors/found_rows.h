// Go through what a search has found, with the texts and columns of its rows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llama-table/row_writer.h"
#include "llama-vectors/vector_search.h"
#include "vectors/vectors.h"

namespace llama {

// The columns that come along, and what they are called beside ours: NAME_input where ours has the name.
struct FoundColumns {
  std::string text;  // "" where there is none
  std::vector<std::string> kept;
  std::vector<std::pair<std::string, std::string>> renamed;
  bool has_similarity = false;  // beside the score
  [[nodiscard]] std::string shown_name(const std::string& name) const;
};

[[nodiscard]] FoundColumns choose_found_columns(const SearchArguments& arguments, const VectorFile& file);

// A row that was found; where a reranker gave the score, the similarity is the vectors'.
struct FoundHit {
  std::uint64_t row = 0;
  double score = 0;
  std::optional<double> similarity{};
};
using FoundHits = std::vector<std::vector<FoundHit>>;  // of each query

struct FoundRow {
  std::size_t query = 0;
  FoundHit hit;
  std::string text;  // "" where there is no column of texts, or a null
  bool has_text = false;
  bool is_null_text = false;       // and not one that cannot be read, whose text says so
  std::vector<std::string> cells;  // of the kept columns, as text
  KeptRow kept;
};

class FoundRows {
 public:
  // Errors   those of VectorTable::rows_at.
  [[nodiscard]] static Result<FoundRows> open(const VectorFile& file, const FoundHits& hits,
                                              const FoundColumns& columns);
  [[nodiscard]] const RowReader& reader() const { return *reader_; }

  // Calls use() for each, query by query. Its error ends it.
  [[nodiscard]] Result<void> for_each(const std::stop_token& stop, const std::function<Result<void>(FoundRow)>& use);

 private:
  FoundRows() = default;
  struct Place {
    std::size_t query;
    FoundHit hit;
  };
  std::vector<Place> places_;
  bool has_text_ = false, has_kept_ = false;
  std::unique_ptr<TableReader> reader_;
};

}  // namespace llama
