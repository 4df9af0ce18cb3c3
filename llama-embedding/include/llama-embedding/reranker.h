// Score how well texts answer a query, with a model that reads both at once (a cross-encoder, a reranker).
//
// Shape    n texts -> n scores; the higher, the better the text answers the query.
// Units    the model's own, as llama.cpp's server gives them: of bge-reranker and others of one output its logit, from
//          about -10 to 10, of which the logistic function is what sentence-transformers shows; of Qwen3-Reranker the
//          probability of "yes".
// Threads  one call at a time per object.
// Source   llama.h, LLAMA_POOLING_TYPE_RANK; how a pair is put together: pair_format.h. Token types: BERT's second text
//          has its own, which llama.cpp alone does not compute (llama-core/token_batch.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/device.h"
#include "llama-loader/model_config.h"
#include "llama-loader/model_loader.h"

namespace llama {

struct RerankerConfig {
  explicit RerankerConfig(ModelSource source) : model_source(std::move(source)) {}

  ModelSource model_source;

  // What comes out. Tokens of a pair, special ones included; else what the model was trained for, at most 8,192. A pair
  // that is longer loses the end of its text, never of its query.
  std::optional<std::int32_t> max_length;

  // How fast; scores do not depend on it.
  std::int32_t batch_size = 32;     // most pairs in one pass
  std::int32_t token_budget = 512;  // tokens of one pass; a longer pair has a pass of its own
  std::int32_t threads = 0;         // 0: default_threads(), llama-core/processor.h
  DeviceChoice device;              // nothing said: the first GPU, and the CPU where there is none

  // Where models come from; nothing: the default cache, and the environment's settings.
  std::shared_ptr<const ModelLoader> loader;

  // While the model loads (llama-loader/model_config.h).
  std::function<void(double fraction)> on_load_progress;
  std::function<void(const DownloadProgress&)> on_download;
  std::function<void(std::string_view line)> on_message;
  std::function<void(std::string_view line)> on_notice;
  std::stop_token stop;
};

// What became of one pair.
struct PairScore {
  // Errors   InvalidText (not UTF-8, too long to count), InvalidModel (NaN or infinity).
  Result<float> score;
  bool truncated = false;  // the end of the text was left out
};

struct ScoreOptions {
  std::function<void(std::size_t pairs)> on_progress;  // done so far, after each pass; by the thread that calls
  std::stop_token stop;
};

class Reranker {
 public:
  // Errors   InvalidArgument (a number out of range), InvalidModel (no reranker, or one with a part missing), those of
  //          ModelLoader::load_model.
  [[nodiscard]] static Result<Reranker> load(RerankerConfig config);
  ~Reranker();
  Reranker(Reranker&&) noexcept;
  Reranker& operator=(Reranker&&) noexcept;

  // Shape    score i belongs to texts[i]. Special tokens in the query and the texts are plain text.
  // Errors   InvalidText (the query: not UTF-8, or so long that it leaves no room for a text), InvalidModel (32 pairs
  //          in a row without a finite score), Cancelled, OutOfMemory. A pair that fails takes no other along.
  // Cost     one model pass per planned batch, longest pairs first; of Qwen3 the words up to the text once in each.
  //          Memory as for a text of the longest pair's length.
  [[nodiscard]] Result<std::vector<PairScore>> score(std::string_view query, std::span<const std::string> texts,
                                                     const ScoreOptions& options = {});

  [[nodiscard]] const ModelMetadata& metadata() const;
  [[nodiscard]] std::int32_t max_length() const;     // tokens of a pair; in force
  [[nodiscard]] const std::string& warning() const;  // one line for the user, or ""

 private:
  struct State;
  explicit Reranker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
