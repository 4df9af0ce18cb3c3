#include <algorithm>
#include <optional>
#include <utility>

#include "llama-agent/decoder.h"

namespace llama {
namespace {

class ModelSampler final : public TokenSampler {
 public:
  explicit ModelSampler(Sampler sampler) : sampler_(std::move(sampler)) {}
  void see(std::span<const Token> prompt) override { sampler_.see(prompt); }
  Result<Token> sample(std::span<const float> logits) override { return sampler_.sample(logits); }

 private:
  Sampler sampler_;
};

class ModelDecoder final : public Decoder {
 public:
  ModelDecoder(std::shared_ptr<const Model> model, GenerationContext context)
      : model_(std::move(model)), context_(std::move(context)) {
    for (const auto& entry : model_->vocabulary()) {
      is_control_.push_back(entry.kind == TokenKind::Control);
      if (entry.kind == TokenKind::Control && entry.text.size() > 1) control_texts_.push_back(entry.text);
    }
  }

  Result<std::vector<Token>> tokenize(std::span<const PromptPiece> prompt) const override;
  Result<std::vector<Token>> tokenize_rest(std::span<const PromptPiece> rest) const override;
  std::string piece(Token token) const override { return model_->piece(token, SpecialTokens::Parse); }
  bool ends_generation(Token token) const override { return model_->ends_generation(token); }
  bool is_control(Token token) const override { return is_control_[static_cast<std::size_t>(token)]; }
  Result<std::unique_ptr<TokenSampler>> make_sampler(const SamplingConfig& config,
                                                     std::string_view grammar) const override;
  std::int32_t context_tokens() const override { return context_.config().context_tokens; }
  std::int32_t max_sequences() const override { return context_.config().max_sequences; }
  std::int32_t batch_tokens() const override { return context_.config().batch_tokens; }
  bool can_share() const override { return !needs_checkpoints(); }
  bool needs_checkpoints() const override { return model_->is_recurrent() || model_->sliding_window() > 0; }
  std::string device() const override { return context_.device(); }

  Result<void> decode(std::span<const PlacedToken> tokens, const std::stop_token& stop) override {
    return context_.decode(tokens, stop);
  }
  Result<std::span<const float>> logits(std::size_t index) const override { return context_.logits(index); }
  bool cut(std::int32_t sequence, std::int32_t from) override { return context_.cut(sequence, from); }
  void clear(std::int32_t sequence) override { context_.clear(sequence); }
  void share(std::int32_t from, std::int32_t to, std::int32_t length) override { context_.share(from, to, length); }
  std::int32_t length(std::int32_t sequence) const override { return context_.length(sequence); }
  Result<std::vector<std::byte>> save(std::int32_t sequence, MemoryPart part) const override {
    return context_.save(sequence, part);
  }
  Result<void> restore(std::int32_t sequence, std::span<const std::byte> bytes, MemoryPart part) override {
    return context_.restore(sequence, bytes, part);
  }

 private:
  [[nodiscard]] bool names_a_control_token(std::string_view text) const {
    return std::ranges::any_of(control_texts_, [&](const std::string& name) { return text.contains(name); });
  }

  std::shared_ptr<const Model> model_;
  GenerationContext context_;
  std::vector<std::string> control_texts_;
  std::vector<bool> is_control_;  // per token
};

// Text of the caller is tokenized together with the template's around it, as transformers does, so that words at the
// borders become the same tokens. Only where it spells out a control token it is cut out and read as plain text.
Result<std::vector<Token>> ModelDecoder::tokenize_rest(std::span<const PromptPiece> prompt) const {
  std::vector<Token> tokens;
  std::string run;
  std::optional<Error> error;
  const auto append = [&](std::string_view text, SpecialTokens special) {
    if (text.empty() || error) return;
    auto part = model_->tokenize_part(text, special);
    if (!part) {
      error = part.error();
    } else {
      tokens.insert(tokens.end(), part->begin(), part->end());
    }
  };
  for (const auto& piece : prompt) {
    if (piece.from_caller && names_a_control_token(piece.text)) {
      append(std::exchange(run, {}), SpecialTokens::Parse);
      append(piece.text, SpecialTokens::Text);
    } else {
      run += piece.text;
    }
  }
  append(run, SpecialTokens::Parse);
  if (error) return std::unexpected(*error);
  return tokens;
}

Result<std::vector<Token>> ModelDecoder::tokenize(std::span<const PromptPiece> prompt) const {
  auto tokens = tokenize_rest(prompt);
  // Most templates write the opening token themselves.
  if (const auto opening = model_->opening_token(); tokens && opening && (tokens->empty() || tokens->front() != *opening)) {
    tokens->insert(tokens->begin(), *opening);
  }
  return tokens;
}

Result<std::unique_ptr<TokenSampler>> ModelDecoder::make_sampler(const SamplingConfig& config,
                                                                 std::string_view grammar) const {
  std::optional<Grammar> rules;
  if (!grammar.empty()) {
    auto parsed = Grammar::parse(model_, grammar);
    if (!parsed) return std::unexpected(parsed.error());
    rules = std::move(*parsed);
  }
  auto sampler = Sampler::create(model_, config, std::move(rules));
  if (!sampler) return std::unexpected(sampler.error());
  return std::make_unique<ModelSampler>(std::move(*sampler));
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(std::shared_ptr<const Model> model,
                                              const GenerationContextConfig& config) {
  auto context = GenerationContext::create(model, config);
  if (!context) return std::unexpected(context.error());
  return std::make_unique<ModelDecoder>(std::move(model), std::move(*context));
}

}  // namespace llama
