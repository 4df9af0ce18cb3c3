// What an attention mask says: which positions each query sees.
//
// Threads  immutable once read.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plugin/thread_team.h"

namespace ggml_packed {

// Neighbouring queries that see parts of the same text. A text may begin with a run of positions that lies elsewhere: a
// beginning that it shares with others.
struct MaskedText {
  std::size_t first_query, queries;
  std::size_t first_position, positions;  // its own ones
  std::size_t first_shared, shared;       // shared 0: it has none

  [[nodiscard]] std::size_t length() const { return shared + positions; }
};

// Positions of a text, counted from its first one: the shared ones, then its own.
struct Visible {
  std::int32_t begin, end;
};

class MaskView {
 public:
  enum class Kind {
    TextsSideBySide,  // each query sees one run of positions, or a shared beginning and one run
    Scattered,        // the cells of a conversation among others'
    Other,            // not ours
  };

  // Shape    mask: float16, a row of `positions` for each query.
  MaskView(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team);

  [[nodiscard]] Kind kind() const { return kind_; }
  // TextsSideBySide: the texts in order, and of each query what it sees of its text: all, what came before it, or a
  // window.
  [[nodiscard]] const std::vector<MaskedText>& texts() const { return texts_; }
  [[nodiscard]] const std::vector<Visible>& visible() const { return visible_; }
  // TextsSideBySide: are there numbers to be added to the scores, not only 0 and minus infinity? ALiBi's are distances.
  // Then no text has a shared beginning.
  [[nodiscard]] bool has_numbers() const { return has_numbers_; }
  // Scattered: the cells of all queries, one's after the other's, and where each one's end.
  [[nodiscard]] const std::vector<std::int32_t>& cells() const { return cells_; }
  [[nodiscard]] const std::vector<std::size_t>& cells_end() const { return cells_end_; }

 private:
  struct Seen;  // by a query
  [[nodiscard]] bool read_texts(const ggml_tensor& mask, std::size_t queries, std::size_t positions, ThreadTeam& team);
  [[nodiscard]] bool add_query(std::size_t query, const Seen& seen, const Seen* before);
  [[nodiscard]] bool is_worth_packing(std::size_t queries) const;
  [[nodiscard]] bool read_cells(const ggml_tensor& mask, std::size_t queries, std::size_t positions);

  Kind kind_ = Kind::Other;
  bool has_numbers_ = false;
  std::vector<MaskedText> texts_;
  std::vector<Visible> visible_;
  std::vector<std::int32_t> cells_;
  std::vector<std::size_t> cells_end_;
};

}  // namespace ggml_packed
