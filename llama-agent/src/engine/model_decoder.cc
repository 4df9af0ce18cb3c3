#include <algorithm>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include "guarded_tokens.h"
#include "llama-agent/decoder.h"

namespace llama {
namespace {

constexpr std::size_t kMaxKnownGrammars = 8;

class ModelSampler final : public TokenSampler {
 public:
  ModelSampler(Sampler sampler, std::vector<Grammar> grammars)
      : sampler_(std::move(sampler)), grammars_(std::move(grammars)) {}
  void see(std::span<const Token> prompt) override { sampler_.see(prompt); }
  Result<void> hold_to(std::optional<std::size_t> grammar) override {
    if (grammar && *grammar >= grammars_.size()) return fail(ErrorCode::Internal, "there is no such grammar");
    if (!grammar) {
      sampler_.set_grammar(std::nullopt);
      return {};
    }
    auto copy = grammars_[*grammar].copy();
    if (!copy) return std::unexpected(copy.error());
    sampler_.set_grammar(std::move(*copy));
    return {};
  }
  Result<Token> sample(std::span<const float> logits) override { return sampler_.sample(logits); }

 private:
  Sampler sampler_;
  std::vector<Grammar> grammars_;  // at their beginnings
};

class ModelDecoder final : public Decoder {
 public:
  ModelDecoder(std::shared_ptr<const Model> model, GenerationContext context, std::string_view template_source)
      : model_(std::move(model)), context_(std::move(context)) {
    for (auto& entry : model_->vocabulary()) {
      is_control_.push_back(entry.kind == TokenKind::Control);
      guarded_.add(std::move(entry), template_source);
    }
  }

  Result<std::vector<Token>> tokenize(std::span<const PromptPiece> prompt) const override;
  Result<std::vector<Token>> tokenize_rest(std::span<const PromptPiece> rest) const override;
  std::string piece(Token token) const override { return model_->piece(token, SpecialTokens::Parse); }
  bool ends_generation(Token token) const override { return model_->ends_generation(token); }
  bool is_control(Token token) const override { return is_control_[static_cast<std::size_t>(token)]; }
  Result<std::unique_ptr<TokenSampler>> make_sampler(const SamplingConfig& config,
                                                     std::span<const std::string> grammars) const override;
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
  [[nodiscard]] Result<Grammar> grammar(const std::string& gbnf) const;

  std::shared_ptr<const Model> model_;
  GenerationContext context_;
  internal::GuardedTokens guarded_;
  std::vector<bool> is_control_;  // per token
  // Grammars as llama.cpp reads them, the last one last: a chat's next reply has the same.
  mutable std::mutex grammars_mutex_;
  mutable std::vector<std::pair<std::string, Grammar>> grammars_;
};

// Text from outside is tokenized together with the template's around it, as transformers does, so that words at the
// borders become the same tokens. Only where a special token would take bytes from it, it is cut out and read as plain
// text; and since llama.cpp finds a user-defined token in plain text too, that is cut in two.
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
  const std::vector<internal::GuardedPiece> guarded = guarded_.in(prompt);
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const std::string_view text = prompt[i].text;
    if (!guarded[i].is_cut_out) {
      run += text;
      continue;
    }
    append(std::exchange(run, {}), SpecialTokens::Parse);
    std::size_t begin = 0;
    for (const std::size_t cut : guarded[i].cuts) {
      append(text.substr(begin, cut - begin), SpecialTokens::Text);
      begin = cut;
    }
    append(text.substr(begin), SpecialTokens::Text);
  }
  append(run, SpecialTokens::Parse);
  if (error) return std::unexpected(*error);
  return tokens;
}

Result<std::vector<Token>> ModelDecoder::tokenize(std::span<const PromptPiece> prompt) const {
  auto tokens = tokenize_rest(prompt);
  // Most templates write the opening token themselves.
  if (const auto opening = model_->opening_token();
      tokens && opening && (tokens->empty() || tokens->front() != *opening)) {
    tokens->insert(tokens->begin(), *opening);
  }
  return tokens;
}

Result<Grammar> ModelDecoder::grammar(const std::string& gbnf) const {
  const std::scoped_lock lock(grammars_mutex_);
  auto known = std::ranges::find(grammars_, gbnf, &std::pair<std::string, Grammar>::first);
  if (known == grammars_.end()) {
    auto parsed = Grammar::parse(model_, gbnf);
    if (!parsed) return parsed;
    if (grammars_.size() >= kMaxKnownGrammars) grammars_.erase(grammars_.begin());
    grammars_.emplace_back(gbnf, std::move(*parsed));
    known = std::prev(grammars_.end());
  }
  return known->second.copy();
}

Result<std::unique_ptr<TokenSampler>> ModelDecoder::make_sampler(const SamplingConfig& config,
                                                                 std::span<const std::string> grammars) const {
  std::vector<Grammar> copies;
  for (const auto& gbnf : grammars) {
    auto copy = grammar(gbnf);
    if (!copy) return std::unexpected(copy.error());
    copies.push_back(std::move(*copy));
  }
  auto sampler = Sampler::create(model_, config);
  if (!sampler) return std::unexpected(sampler.error());
  return std::make_unique<ModelSampler>(std::move(*sampler), std::move(copies));
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(std::shared_ptr<const Model> model, const GenerationContextConfig& config,
                                              std::string_view template_source) {
  auto context = GenerationContext::create(model, config);
  if (!context) return std::unexpected(context.error());
  return std::make_unique<ModelDecoder>(std::move(model), std::move(*context), template_source);
}

}  // namespace llama
