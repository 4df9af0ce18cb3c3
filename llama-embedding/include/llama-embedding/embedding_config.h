// Say which model embeds, and how.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "llama-core/model.h"
#include "llama-core/pooling.h"
#include "llama-loader/model_loader.h"

namespace llama {

// Who turns texts into tokens.
enum class TokenizerChoice {
  Published,  // as the model's published tokenizer does: our WordPiece, and llama.cpp's others after the normalization
              // that the GGUF lacks
  LlamaCpp,   // llama.cpp's own, whatever it makes of the text
};

struct EmbeddingConfig {
  explicit EmbeddingConfig(ModelSource source, std::int32_t texts_per_batch = 32)
      : model_source(std::move(source)), batch_size(texts_per_batch) {}

  ModelSource model_source;

  // What comes out.
  bool normalize_embeddings = false;                // Euclidean length 1
  std::optional<std::int32_t> max_sequence_length;  // tokens, special ones included; else the model's trained context
  std::optional<Pooling> pooling;                   // overrides the GGUF's
  SpecialTokens special_tokens = SpecialTokens::Parse;  // how "<|endoftext|>" inside a text is read
  TokenizerChoice tokenizer = TokenizerChoice::Published;

  // How fast.
  std::int32_t batch_size = 32;  // most texts in one pass; vectors do not depend on it
  // Tokens of one pass; a longer text has a pass of its own. 0: 512, or what was measured to be faster on this machine:
  // the first passes of a run of 20 or more are computed at 256, 512 and 1,024 in turn, and the best is remembered in
  // the model cache's folder. Only where no vector depends on its batch (our own kernels, and weights that they pack):
  // the same file gives the same vectors in each run.
  std::int32_t token_budget = 0;
  // Where our kernels are wanted and cannot be had, and the CPU has BF16 instructions: keep a BF16 copy of a Q8_0 model
  // in the model cache, and compute that one if it has been measured to be faster. Off, because it writes twice the
  // model's size to the user's disk, and the first load takes seconds per GB longer; llama-cli embed asks for it.
  bool bf16_copy = false;
  std::int32_t threads = 0;  // 0: default_threads(), llama-core/processor.h
  // Passes that are computed side by side on the CPU, each with its part of the threads and a context of its own; never
  // a difference in the vectors. 0: as many as there are threads, 16 at most and 4 of a decoder. A run opens them when
  // it has eight passes or more. One pass of more than 1,024 tokens has all threads.
  std::int32_t lanes = 0;

  DeviceChoice device;  // nothing said: the first GPU, and the CPU where there is none

  // Where models come from; nothing: the default cache, and the environment's settings.
  std::shared_ptr<const ModelLoader> loader;

  // While the model loads (llama-loader/model_config.h).
  std::function<void(double fraction)> on_load_progress;
  std::function<void(const DownloadProgress&)> on_download;
  std::function<void(std::string_view line)> on_message;
  // ModelLoadOptions::on_notice: called later as well, by whoever computes.
  std::function<void(std::string_view line)> on_notice;
  std::stop_token stop;
};

}  // namespace llama
