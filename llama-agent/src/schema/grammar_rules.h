// The rules of a grammar while it is made, and its text (GBNF).
//
// A rule without sequences stands for nothing: whatever needs it cannot be written either, and is left out of the text.
// So what makes rules need not ask whether anything fits.
// Source   llama.cpp, grammars/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "code_points.h"
#include "schema_work.h"

namespace llama::internal {

constexpr std::int64_t kMaxRepetitions = 2'000;  // llama.cpp refuses more

class GrammarRules {
 public:
  static constexpr std::int64_t kEndless = -1;

  struct Item {
    std::string text{};  // in GBNF: a literal, a class, a basic rule; unused where there is a rule
    std::optional<std::size_t> rule{};
    std::int64_t least = 1, most = 1;
    bool operator==(const Item&) const = default;
  };
  using Sequence = std::vector<Item>;  // empty: an empty text

  explicit GrammarRules(SchemaWork& work) : work_(&work) {}

  // A rule that is filled later.
  [[nodiscard]] std::size_t reserve();
  void fill(std::size_t rule, std::vector<Sequence> sequences);
  std::size_t add(std::vector<Sequence> sequences);
  [[nodiscard]] std::size_t size() const { return rules_.size(); }

  // The rules that `root` needs. Nothing: no text fits it.
  //
  // Cost     linear in the rules.
  [[nodiscard]] std::optional<std::string> text(std::size_t root) const;

 private:
  [[nodiscard]] std::vector<bool> fruitful() const;
  SchemaWork* work_;
  std::vector<std::vector<Sequence>> rules_;
};

// A literal; a class of characters.
[[nodiscard]] std::string gbnf_literal(std::string_view text);
[[nodiscard]] std::string gbnf_class(const CodePoints& characters);

}  // namespace llama::internal
