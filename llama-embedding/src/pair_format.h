// Decide how a reranker wants a query and a text put together, and which of its numbers is the score.
//
// Source   transformers' tokenizers (BertTokenizer, RobertaTokenizer, ModernBERT's tokenizer.json) and heads
//          (…ForSequenceClassification); llama.cpp's converter and build_pooling() for what a GGUF has of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"
#include "llama-core/pooling.h"
#include "llama-loader/gguf_header.h"

namespace llama::internal {

enum class PairFormat {
  OneSeparator,   // [CLS] query [SEP] text [SEP]: BERT and ModernBERT
  TwoSeparators,  // <s> query </s></s> text </s>: RoBERTa and XLM-R
  Template,       // the GGUF's own, with {query} and {document} in it: Qwen3
};

struct PairFacts {
  std::string architecture;  // "bert", "qwen3"
  std::string tokenizer;     // tokenizer.ggml.model: "bert" (WordPiece), "t5" (Unigram), "gpt2" (byte pairs)
  std::optional<Pooling> declared;
  bool is_encoder = false;
  bool ranks_by_last_token = false;  // Model::ranks_by_last_token()
  bool has_template = false;
  std::vector<std::string> labels;  // Model::class_labels()
  // Rows of the head's tensors and of the table of token types; 0 where the file has none.
  std::size_t dense = 0, projection = 0, token_types = 0;
};

struct PairPlan {
  PairFormat format = PairFormat::OneSeparator;
  bool has_types = false;  // the second text's tokens are of another type
  std::size_t score = 0;   // which of the labels
  std::string warning;     // one line for people, or ""
};

[[nodiscard]] PairFacts find_pair_facts(const Model& model, std::span<const GgufTensor> tensors);

// Errors   InvalidModel: no reranker, one with a part missing, one that llama.cpp computes otherwise than published.
[[nodiscard]] Result<PairPlan> plan_pairs(const PairFacts& facts);

}  // namespace llama::internal
