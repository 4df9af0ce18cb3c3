// The model as the engine sees it: a vocabulary, a memory of sequences, logits of what comes next.
//
// The seam between the engine and llama.cpp; a test plays a model with a double of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/prompt_piece.h"
#include "llama-base/error.h"
#include "llama-core/generation_context.h"
#include "llama-core/model.h"
#include "llama-core/sampler.h"

namespace llama {

// Chooses the tokens of one reply. Threads: one at a time.
class TokenSampler {
 public:
  virtual ~TokenSampler() = default;
  virtual void see(std::span<const Token> prompt) = 0;
  // Hold what comes next to a grammar, from its beginning: the number of one that the sampler was made with. Nothing:
  // to none, which is how it begins.
  [[nodiscard]] virtual Result<void> hold_to(std::optional<std::size_t> grammar) = 0;
  [[nodiscard]] virtual Result<Token> sample(std::span<const float> logits) = 0;
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  // Any thread, any number at once.
  [[nodiscard]] virtual Result<std::vector<Token>> tokenize(std::span<const PromptPiece> prompt) const = 0;
  // The same for what follows other tokens: no token that opens a text is added.
  [[nodiscard]] virtual Result<std::vector<Token>> tokenize_rest(std::span<const PromptPiece> rest) const = 0;
  [[nodiscard]] virtual std::string piece(Token token) const = 0;  // special tokens by their names
  [[nodiscard]] virtual bool ends_generation(Token token) const = 0;
  [[nodiscard]] virtual bool is_control(Token token) const = 0;  // no text of a reply
  // grammars: in GBNF. Any thread, any number at once.
  //
  // Errors   InvalidArgument: a setting, or what is wrong with a grammar.
  [[nodiscard]] virtual Result<std::unique_ptr<TokenSampler>> make_sampler(
      const SamplingConfig& config, std::span<const std::string> grammars) const = 0;
  [[nodiscard]] virtual std::int32_t context_tokens() const = 0;  // of all sequences together
  [[nodiscard]] virtual std::int32_t max_sequences() const = 0;
  [[nodiscard]] virtual std::int32_t batch_tokens() const = 0;
  // Can one sequence begin as another does, without computing?
  [[nodiscard]] virtual bool can_share() const = 0;
  // Is there memory that cut() cannot bring back to an earlier position?
  [[nodiscard]] virtual bool needs_checkpoints() const = 0;

  [[nodiscard]] virtual std::string device() const = 0;  // that computes now, as Model::device()

  // The engine's thread only; as in GenerationContext.
  [[nodiscard]] virtual Result<void> decode(std::span<const PlacedToken> tokens, const std::stop_token& stop) = 0;
  [[nodiscard]] virtual Result<std::span<const float>> logits(std::size_t index_in_batch) const = 0;
  [[nodiscard]] virtual bool cut(std::int32_t sequence, std::int32_t from) = 0;
  virtual void clear(std::int32_t sequence) = 0;
  virtual void share(std::int32_t from, std::int32_t to, std::int32_t length) = 0;
  [[nodiscard]] virtual std::int32_t length(std::int32_t sequence) const = 0;
  [[nodiscard]] virtual Result<std::vector<std::byte>> save(std::int32_t sequence, MemoryPart part) const = 0;
  [[nodiscard]] virtual Result<void> restore(std::int32_t sequence, std::span<const std::byte> bytes,
                                             MemoryPart part) = 0;
};

// A Decoder that is a model of llama.cpp.
//
// No control token of it comes from text from outside, and no user-defined one that the chat template's source names
// ("<tool_call>").
// Errors   as GenerationContext::create().
[[nodiscard]] Result<std::unique_ptr<Decoder>> make_decoder(std::shared_ptr<const Model> model,
                                                            const GenerationContextConfig& config,
                                                            std::string_view template_source = {});

}  // namespace llama
