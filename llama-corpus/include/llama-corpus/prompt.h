// Say what the model reads for a row: the text alone, or with words around it.
//
// A template has places: {text}, the wanted columns joined, and {NAME}, the cell of any column; {{ and }} are braces.
// Source   each convention's own page, named in llama-corpus/src/prompt/prompt_conventions.cc and doc/prompts.md.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row.h"

namespace llama {

class PromptTemplate {
 public:
  // Errors   InvalidArgument: a brace without its other, an empty place; no {text} and no column at all.
  [[nodiscard]] static Result<PromptTemplate> parse(std::string_view text);

  // The columns that it names besides {text}, each once, in order.
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const std::string& source() const { return source_; }  // as given to parse()

  // cells: those of columns(); a null cell is an empty one.
  [[nodiscard]] std::string render(std::string_view text, std::span<const Cell> cells) const;

 private:
  struct Piece {
    std::string words;                  // before the place
    std::optional<std::size_t> column;  // which place: an index into columns_; nothing: {text}
    bool is_end = false;                // no place: the last words
  };
  std::string source_;
  std::vector<Piece> pieces_;
  std::vector<std::string> columns_;
};

// What a model's publisher says that its texts should be wrapped in.
struct PromptConvention {
  std::string family;    // "Qwen3-Embedding", for people
  std::string query;     // templates: "Instruct: {task}\nQuery:{text}" with the task in place
  std::string document;  // "{text}" where documents stay as they are
  std::vector<std::pair<std::string, std::string>> others;  // by name: "clustering", "classification"
  std::string source;                                       // where it says so
};

// Of the GGUF and of where it comes from; "" where it is not known.
struct ModelNames {
  std::string architecture{}, name{}, basename{}, file{}, repository{};
};

// By the model's names; nothing for an unknown family. task: of families with instructions; "": the publisher's own.
[[nodiscard]] std::optional<PromptConvention> find_prompt_convention(const ModelNames& names, std::string_view task);

// The template for --prompt-name NAME: "query", "document" ("passage"), or another one of the family's.
// Errors   InvalidArgument: the family is unknown, or has none of that name (says which there are), or takes no task.
[[nodiscard]] Result<PromptTemplate> named_prompt(const ModelNames& names, std::string_view name,
                                                  std::string_view task);

}  // namespace llama
