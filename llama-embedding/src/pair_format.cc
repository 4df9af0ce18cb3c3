#include "pair_format.h"

#include <algorithm>
#include <format>

namespace llama::internal {
namespace {

constexpr const char* kNoPooler =
    "the GGUF lacks the layer before the score (BERT's pooler), which llama.cpp's converter leaves out: scores are not "
    "the published model's, and texts whose scores are close may change places";

std::size_t rows_of(std::span<const GgufTensor> tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &GgufTensor::name);
  return found == tensors.end() ? 0 : static_cast<std::size_t>(found->shape[1]);
}

Result<std::size_t> choose_score(const std::vector<std::string>& labels) {
  if (labels.size() == 1) return 0;
  const auto yes = std::ranges::find(labels, "yes");
  if (labels.size() == 2 && yes != labels.end()) return static_cast<std::size_t>(yes - labels.begin());
  return fail(
      ErrorCode::InvalidModel,
      std::format("this model sorts texts into {} classes and has no single score: no reranker", labels.size()));
}

Result<void> check_head(const PairFacts& facts) {
  if (facts.projection > 0 || (facts.dense > 0 && facts.dense == facts.labels.size())) return {};
  if (facts.declared == Pooling::Rank)
    return fail(ErrorCode::InvalidModel,
                "this reranker's file lacks the layer that gives the score (cls.output.weight); it was converted by a "
                "program that does not know the model");
  return fail(ErrorCode::InvalidModel,
              "this model is no reranker: it has no layer that gives a pair of texts a score (cls.output.weight)");
}

bool is_compared(const PairFacts& facts) {
  return facts.architecture == "bert" || facts.architecture == "modern-bert" || facts.architecture == "qwen3";
}

}  // namespace

PairFacts find_pair_facts(const Model& model, std::span<const GgufTensor> tensors) {
  return {.architecture = model.architecture(),
          .tokenizer = model.metadata("tokenizer.ggml.model"),
          .declared = model.pooling(),
          .is_encoder = model.is_encoder(),
          .ranks_by_last_token = model.ranks_by_last_token(),
          .has_template = model.chat_template("rerank").has_value(),
          .labels = model.class_labels(),
          .dense = rows_of(tensors, "cls.weight"),
          .projection = rows_of(tensors, "cls.output.weight"),
          .token_types = rows_of(tensors, "token_types.weight")};
}

Result<PairPlan> plan_pairs(const PairFacts& facts) {
  if (auto checked = check_head(facts); !checked) return std::unexpected(checked.error());
  if (!facts.is_encoder && !facts.ranks_by_last_token)
    return fail(ErrorCode::InvalidModel,
                std::format("llama.cpp does not compute the scores of rerankers of the kind '{}'", facts.architecture));
  const auto score = choose_score(facts.labels);
  if (!score) return std::unexpected(score.error());
  PairPlan plan{.format = PairFormat::Template, .has_types = false, .score = *score, .warning = {}};
  if (!is_compared(facts))
    plan.warning =
        std::format("rerankers of the kind '{}' have not been compared with the published models", facts.architecture);
  if (facts.has_template) return plan;
  if (!facts.is_encoder)
    return fail(ErrorCode::InvalidModel,
                "this reranker's file lacks the words around a query and a text (tokenizer.chat_template.rerank); "
                "llama.cpp's converter writes them");

  const bool is_wordpiece = facts.tokenizer == "bert", is_modern = facts.architecture == "modern-bert";
  plan.format = is_wordpiece || is_modern ? PairFormat::OneSeparator : PairFormat::TwoSeparators;
  plan.has_types = is_wordpiece && !is_modern && facts.token_types > 1;
  // Both have a WordPiece vocabulary; llama.cpp computes tanh, and DistilBERT has relu.
  if (facts.architecture == "bert" && is_wordpiece && facts.token_types == 0)
    return fail(ErrorCode::InvalidModel,
                "llama.cpp computes the last layer of DistilBERT's rerankers in another way than the published model");
  const bool is_whole = facts.dense > 0 && facts.projection > 0;
  if (!is_whole && (facts.architecture == "bert" || facts.architecture == "jina-bert-v2")) plan.warning = kNoPooler;
  return plan;
}

}  // namespace llama::internal
