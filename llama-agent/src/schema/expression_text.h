// The text of a regular expression while it is read, and what it says about single characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "code_points.h"
#include "schema_work.h"

namespace llama::internal {

class ExpressionText {
 public:
  ExpressionText(std::string_view text, SchemaWork& work);

 protected:
  [[nodiscard]] char32_t peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0';
  }
  [[nodiscard]] bool more() const { return at_ < text_.size() && !wrong_; }
  bool take(std::u32string_view what);
  void refuse(std::string what);  // only the first reason counts

  CodePoints read_class();                // what stands behind a bracket
  CodePoints read_escape(bool in_class);  // what stands behind a backslash

  std::u32string text_;
  std::size_t at_ = 0;
  std::optional<std::string> wrong_;
  SchemaWork& work_;

 private:
  CodePoints read_class_member();
  CodePoints read_property();
  char32_t read_hex(int digits);
  char32_t read_unicode();
};

}  // namespace llama::internal
