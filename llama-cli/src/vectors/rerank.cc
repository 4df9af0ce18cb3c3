#include "vectors/rerank.h"

#include <algorithm>
#include <format>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "exit_status.h"
#include "llama-base/blank_text.h"
#include "load_display.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

constexpr std::uint64_t kLeastReranked = 100, kRerankedForEach = 10;

Step<RerankerConfig> reranker_config(const SearchArguments& arguments, const Interrupt& interrupt) {
  // Where models come from and who computes is as for the query's; which model is this one's own.
  const LoaderFlags loader{.model = *arguments.reranker,
                           .filename = {},
                           .quant = {},
                           .offline = arguments.loader.offline,
                           .cache_folder = arguments.loader.cache_folder,
                           .cache_limit_gb = arguments.loader.cache_limit_gb,
                           .no_cache_limit = arguments.loader.no_cache_limit,
                           .kernels = arguments.loader.kernels,
                           .gpu_layers = arguments.loader.gpu_layers,
                           .device = arguments.loader.device,
                           .nice = arguments.loader.nice};
  auto source = make_source(loader);
  if (!source) return stop_with(source.error(), kUsageError);
  RerankerConfig config(std::move(*source));
  auto made = make_loader(loader, interrupt.token());
  if (!made) return stop_with(made.error(), kUsageError);
  config.loader = std::make_shared<const ModelLoader>(std::move(*made));
  auto device = start_compute(loader);
  if (!device) return stop_with(device.error(), kUsageError);
  config.device = std::move(*device);
  config.threads = arguments.threads;
  config.on_notice = show_notice;
  config.stop = interrupt.token();
  return config;
}

// What the search has found for one query.
struct Candidates {
  std::vector<FoundHit> hits;  // their score is the similarity
  std::vector<std::string> texts;
};

Step<std::vector<Candidates>> read_candidates(const VectorFile& file, const SearchAnswer& answer,
                                              const FoundColumns& columns, const Interrupt& interrupt) {
  FoundHits hits;
  for (const auto& found : answer.hits) {
    hits.emplace_back();
    for (const SearchHit& hit : found) hits.back().push_back({.row = hit.row, .score = hit.score});
  }
  std::vector<Candidates> all(hits.size());
  auto rows = FoundRows::open(file, hits, {.text = columns.text, .kept = {}, .renamed = {}, .has_similarity = false});
  if (!rows) return stop_with(rows.error(), vector_status(rows.error().code));
  const auto done = rows->for_each(interrupt.token(), [&](FoundRow row) -> Result<void> {
    if (!row.has_text) return {};
    all[row.query].hits.push_back(row.hit);
    all[row.query].texts.push_back(std::move(row.text));
    return {};
  });
  if (!done) return stop_with(done.error(), vector_status(done.error().code));
  return all;
}

Step<std::string> text_of_row(const VectorFile& file, std::uint64_t row, const FoundColumns& columns,
                              const Interrupt& interrupt) {
  auto rows = FoundRows::open(file, {{{.row = row}}},
                              {.text = columns.text, .kept = {}, .renamed = {}, .has_similarity = false});
  if (!rows) return stop_with(rows.error(), vector_status(rows.error().code));
  std::string text;
  const auto done = rows->for_each(interrupt.token(), [&](FoundRow found) -> Result<void> {
    text = std::move(found.text);
    return {};
  });
  if (!done) return stop_with(done.error(), vector_status(done.error().code));
  if (internal::is_blank(text))
    return usage_error(std::format("row {} has no text, and the reranker needs one as its query", row));
  return text;
}

// Rows that a search has found and that are not shown among the reranked.
struct Omitted {
  std::uint64_t no_text = 0, no_score = 0, cut = 0;
  std::string example;  // why one has no score
};

void tell_omitted(const Omitted& omitted) {
  const auto rows = [](std::uint64_t count) {
    return std::format("{} {}", with_thousands(count), count == 1 ? "row" : "rows");
  };
  if (omitted.no_text > 0) tell("Warning: {} without a text not reranked, and left out", rows(omitted.no_text));
  if (omitted.no_score > 0)
    tell("Warning: {} without a reranker's score left out: {}", rows(omitted.no_score), omitted.example);
}

}  // namespace

std::uint64_t rows_wanted(const SearchArguments& arguments) {
  if (!arguments.reranker) return arguments.top;
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / kRerankedForEach;
  return arguments.rerank_top.value_or(std::max(kLeastReranked, std::min(arguments.top, most) * kRerankedForEach));
}

Step<void> check_rerank(const SearchArguments& arguments, const FoundColumns& columns) {
  if (!arguments.reranker || !columns.text.empty()) return {};
  return usage_error(
      std::format("--rerank reads texts, and '{}' has no column of texts that can be told; --text-column names it",
                  arguments.file));
}

Step<std::optional<Reranker>> load_reranker(const SearchArguments& arguments, const Interrupt& interrupt,
                                            const Console& console) {
  if (!arguments.reranker) return std::nullopt;
  auto config = reranker_config(arguments, interrupt);
  if (!config) return std::unexpected(config.error());
  LoadDisplay display(console);
  display.watch(*config);
  auto reranker = Reranker::load(std::move(*config));
  display.end();
  if (!reranker) {
    Error error = with_flags(reranker.error());
    if (error.code != ErrorCode::Cancelled) error.message += " (--rerank)";
    return stop_with(std::move(error), loader_status(reranker.error().code));
  }
  if (!reranker->warning().empty()) tell("Warning: reranker: {}", reranker->warning());
  return std::move(*reranker);
}

Step<FoundHits> rerank(Reranker& reranker, const SearchArguments& arguments, const VectorFile& file,
                       const SearchQueries& queries, const SearchAnswer& answer, const FoundColumns& columns,
                       const Interrupt& interrupt, const Console& console) {
  std::vector<std::string> texts = queries.texts;
  if (arguments.like) {
    auto text = text_of_row(file, *arguments.like, columns, interrupt);
    if (!text) return std::unexpected(text.error());
    texts = {std::move(*text)};
  }
  auto candidates = read_candidates(file, answer, columns, interrupt);
  if (!candidates) return std::unexpected(candidates.error());
  std::uint64_t all = 0, before = 0;
  Omitted omitted;
  for (std::size_t query = 0; query < candidates->size(); ++query) {
    all += (*candidates)[query].hits.size();
    omitted.no_text += answer.hits[query].size() - (*candidates)[query].hits.size();
  }
  FoundHits ranked;
  RowsDisplay display(console, "Reranking", all);
  for (std::size_t query = 0; query < candidates->size(); ++query) {
    Candidates& found = (*candidates)[query];
    auto scores = reranker.score(
        texts[query], found.texts,
        {.on_progress = [&](std::size_t pairs) { display.update(before + pairs); }, .stop = interrupt.token()});
    if (!scores) {
      display.clear();
      const bool is_query = scores.error().code == ErrorCode::InvalidText;
      return stop_with({scores.error().code, "the query cannot be reranked: " + scores.error().message},
                       is_query ? kInputError : kModelError);
    }
    before += found.hits.size();
    std::vector<FoundHit> hits;
    for (std::size_t i = 0; i < found.hits.size(); ++i) {
      const PairScore& pair = (*scores)[i];
      omitted.cut += pair.truncated ? 1 : 0;
      if (!pair.score) {
        if (omitted.no_score++ == 0)
          omitted.example = std::format("row {}: {}", found.hits[i].row, pair.score.error().message);
        continue;
      }
      hits.push_back({.row = found.hits[i].row, .score = *pair.score, .similarity = found.hits[i].score});
    }
    std::ranges::stable_sort(hits, std::greater<>(), &FoundHit::score);
    if (hits.size() > arguments.top) hits.resize(static_cast<std::size_t>(arguments.top));
    ranked.push_back(std::move(hits));
  }
  display.clear();
  tell_omitted(omitted);
  if (omitted.cut > 0 && !console.quiet)
    tell("Note: the end of {} {} left out: the reranker takes {} tokens of query and text", with_thousands(omitted.cut),
         omitted.cut == 1 ? "text was" : "texts was",
         with_thousands(static_cast<std::uint64_t>(reranker.max_length())));
  return ranked;
}

}  // namespace llama
