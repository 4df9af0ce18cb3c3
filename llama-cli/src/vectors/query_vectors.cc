#include "vectors/query_vectors.h"

#include <format>
#include <utility>

#include "exit_status.h"
#include "llama-base/blank_text.h"
#include "llama-base/utf8.h"
#include "llama-embedding/text_file.h"
#include "llama-vectors/vector_search.h"
#include "vectors/query_model.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

constexpr std::size_t kMaxLinesAtOnce = 1'000;
constexpr std::size_t kMaxBytesAtOnce = 1 << 20;

Step<std::vector<std::string>> read_queries(const std::filesystem::path& path, const Interrupt& interrupt) {
  auto source = TextFile::open(path);
  if (!source) return stop_with(source.error(), kInputError);
  std::vector<std::string> queries;
  for (;;) {
    auto batch = (*source)->next({.max_texts = kMaxLinesAtOnce, .max_bytes = kMaxBytesAtOnce}, interrupt.token());
    if (!batch) return stop_with(batch.error(), kInputError);
    for (SourceText& line : batch->texts) {
      const auto unreadable = [&](std::string_view why) {
        return stop_with({ErrorCode::InvalidText,
                          std::format("queries of '{}', {}: {}", path.string(), (*source)->name_of(line.row), why)},
                         kInputError);
      };
      if (!line.text) return unreadable(line.text.error().message);
      if (!internal::is_utf8(*line.text)) return unreadable("not valid UTF-8");
      queries.push_back(std::move(*line.text));
    }
    if (batch->state == SourceState::End) break;
  }
  if (queries.empty())
    return stop_with({ErrorCode::InvalidText, std::format("file '{}' has no query", path.string())}, kInputError);
  return queries;
}

}  // namespace

Step<SearchQueries> find_queries(const SearchArguments& arguments, const VectorFile& file, const Interrupt& interrupt,
                                 const Console& console) {
  SearchQueries found;
  if (arguments.like) {
    auto vector = vector_of_row(file, *arguments.like, interrupt.token());
    if (!vector) {
      const bool is_usage = vector.error().code == ErrorCode::InvalidArgument;
      return stop_with(vector.error(), is_usage ? kUsageError : vector_status(vector.error().code));
    }
    found.texts = {std::format("row {}", *arguments.like)};
    found.vectors = {std::move(*vector)};
    return found;
  }
  if (arguments.queries) {
    auto queries = read_queries(*arguments.queries, interrupt);
    if (!queries) return std::unexpected(queries.error());
    found.texts = std::move(*queries);
  } else {
    if (internal::is_blank(*arguments.query)) return usage_error("the query is empty");
    found.texts = {*arguments.query};
  }
  auto vectors = embed_queries(arguments, file, found.texts, interrupt, console);
  if (!vectors) return std::unexpected(vectors.error());
  found.vectors = std::move(*vectors);
  return found;
}

}  // namespace llama
