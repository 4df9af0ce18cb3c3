// A regular expression of a JSON schema, ready to be matched.
//
// Threads  immutable: any number at once.
// Source   JSON Schema Validation, 6.3.3: a text fits when the expression matches somewhere in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "regular_expression.h"
#include "schema_work.h"

namespace re2 {
class RE2;
}

namespace llama::internal {

class Pattern {
 public:
  // Errors   InvalidArgument: what is wrong with it or too large, without the expression itself; what it would cost is
  //          not left.
  [[nodiscard]] static Result<std::shared_ptr<const Pattern>> compile(std::string_view text, SchemaWork& work);
  ~Pattern();

  // Cost     linear in the text, whatever the expression is (RE2).
  [[nodiscard]] bool matches(std::string_view text) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const RegularExpression& expression() const { return expression_; }

 private:
  Pattern(std::string text, RegularExpression expression, std::unique_ptr<const re2::RE2> matcher);
  std::string text_;
  RegularExpression expression_;
  std::unique_ptr<const re2::RE2> matcher_;
};

// The expression of a format ("date", "email", …) that is one; null for the others.
[[nodiscard]] std::shared_ptr<const Pattern> pattern_of_format(std::string_view format, SchemaWork& work);

}  // namespace llama::internal
