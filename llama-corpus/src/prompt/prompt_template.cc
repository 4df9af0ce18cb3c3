#include <algorithm>
#include <format>
#include <utility>

#include "llama-corpus/prompt.h"

namespace llama {
namespace {

std::unexpected<Error> bad_prompt(std::string_view text, std::string_view reason) {
  return fail(ErrorCode::InvalidArgument, std::format("prompt '{}': {}", text, reason));
}

}  // namespace

Result<PromptTemplate> PromptTemplate::parse(std::string_view text) {
  PromptTemplate made;
  made.source_ = text;
  Piece piece;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '{' && c != '}') {
      piece.words += c;
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == c) {
      piece.words += c;
      ++at;
      continue;
    }
    if (c == '}') return bad_prompt(text, "a } without its {; a brace itself is written }}");
    const std::size_t end = text.find_first_of("{}", at + 1);
    if (end == std::string_view::npos || text[end] == '{')
      return bad_prompt(text, "a { without its }; a brace itself is written {{");
    const std::string_view name = text.substr(at + 1, end - at - 1);
    if (name.empty()) return bad_prompt(text, "{} names no column; write {text}, or {NAME} for a column");
    if (name != "text") {
      const auto known = std::ranges::find(made.columns_, name);
      piece.column = static_cast<std::size_t>(known - made.columns_.begin());
      if (known == made.columns_.end()) made.columns_.emplace_back(name);
    }
    made.pieces_.push_back(std::exchange(piece, {}));
    at = end;
  }
  if (made.pieces_.empty())
    return bad_prompt(text, "it has no place for the row's text; write {text} where it belongs, as in 'query: {text}'");
  piece.is_end = true;
  made.pieces_.push_back(std::move(piece));
  return made;
}

// What stands in the places is copied as it is: a brace of a text is a brace.
std::string PromptTemplate::render(std::string_view text, std::span<const Cell> cells) const {
  std::string made;
  for (const Piece& piece : pieces_) {
    made += piece.words;
    if (piece.is_end) break;
    if (!piece.column) {
      made += text;
    } else if (*piece.column < cells.size() && cells[*piece.column]) {
      made += *cells[*piece.column];
    }
  }
  return made;
}

}  // namespace llama
