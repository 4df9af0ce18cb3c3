// Turn texts into vectors.
//
// Shape    a vector has dimension() float32 values; with normalize_embeddings its Euclidean length is 1.
// Threads  immutable but for embed_text(), which any number of threads may call and which runs one at a time.
// Source   pooling kinds: llama.h, enum llama_pooling_type. Special tokens around a text, and the closing one kept when
//          a text is cut: as transformers' tokenizers do.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-embedding/dense_layers.h"
#include "llama-embedding/embedding_config.h"
#include "llama-embedding/embedding_result.h"
#include "llama-loader/model_config.h"

namespace llama {

namespace internal {
class BudgetTuner;
class Embedder;
}  // namespace internal

// The tokens of one pass, and why so many.
struct TokenBudget {
  std::int32_t tokens = 0;
  std::string reason;  // for people: "measured: 256 tokens: 1180/s, …"
};

// What the model sees of a text.
struct TokenizedText {
  std::vector<Token> tokens;  // special ones included
  bool truncated = false;
};

class EmbeddingModel {
 public:
  // Load the model and decide everything that does not depend on the texts.
  //
  // Errors   InvalidArgument (a number out of range), those of ModelLoader::load_model and choose_pooling.
  [[nodiscard]] static Result<std::shared_ptr<const EmbeddingModel>> load(EmbeddingConfig config);
  ~EmbeddingModel();

  // Errors   InvalidText (not UTF-8, no tokens), InvalidModel (NaN or infinity in the vector), Cancelled.
  [[nodiscard]] Result<EmbeddingResult> embed_text(std::string_view text, const std::stop_token& stop = {}) const;

  // Errors   InvalidText (no tokens). Requires valid UTF-8.
  // Threads  any number at once.
  [[nodiscard]] Result<TokenizedText> tokenize(std::string_view text) const;

  // How many tokens the text has before it is cut, special ones included.
  //
  // Errors   InvalidText (no tokens; too long to count). Requires valid UTF-8.
  // Threads  any number at once.
  // Cost     the whole text is tokenized, however long it is: some megabytes a second.
  [[nodiscard]] Result<std::size_t> count_tokens(std::string_view text) const;

  [[nodiscard]] std::int32_t embedding_dimension() const;
  [[nodiscard]] const EmbeddingConfig& config() const;
  [[nodiscard]] const ModelMetadata& metadata() const;
  [[nodiscard]] const Model& model() const;
  [[nodiscard]] std::shared_ptr<const Model> shared_model() const;
  [[nodiscard]] Pooling pooling() const;
  [[nodiscard]] std::int32_t max_sequence_length() const;  // tokens; in force
  [[nodiscard]] bool appends_eos() const;                  // because the tokenizer of a last-token model does not
  [[nodiscard]] const std::string& tokenizer() const;      // for people: "WordPiece, lower case, accents stripped"
  [[nodiscard]] DenseLayers dense_layers() const;          // after pooling: in the file, or missing there
  [[nodiscard]] const std::string& warning() const;        // one line for the user, or ""
  [[nodiscard]] std::string kernels() const;  // kernels_in_use() as loaded; ", bf16 copy" where one is used
  // In force now for config().batch_size: a run may change it once.
  [[nodiscard]] TokenBudget token_budget() const;

 private:
  friend class internal::Embedder;
  [[nodiscard]] internal::BudgetTuner& budget_tuner(std::int32_t texts_per_pass) const;
  struct State;
  explicit EmbeddingModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
