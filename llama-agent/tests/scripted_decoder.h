// A model that a test plays: its tokens are bytes, its replies are what a function says.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "llama-agent/decoder.h"

namespace llama {

class ScriptedDecoder final : public Decoder {
 public:
  static constexpr Token kEnd = 256;
  static constexpr Token kControl = 257;           // has a name, but no text
  static constexpr char kReply = '\x02';           // what a prompt ends with
  static constexpr char kControlInReply = '\x03';  // stands for the control token in what a function says

  struct Config {
    std::int32_t context_tokens = 1024, max_sequences = 4, batch_tokens = 64;
    bool shares = true;
    bool recurrent = false;  // cannot be cut
    std::chrono::microseconds time_per_token{0};
    // The reply to a prompt; "" ends at once. Without an end it goes on for ever.
    std::function<std::string(std::string_view prompt)> reply = [](std::string_view prompt) {
      return "re: " + std::string(prompt);
    };
    bool endless = false;
    int fail_at_call = -1;  // of decode(), with that error
    ErrorCode fail_with = ErrorCode::Internal;
    // Called by every function of the decoder and its samplers, on whatever thread; may throw.
    std::function<void()> on_call = [] {};
    std::vector<std::string>* grammars = nullptr;  // where each change of a sampler's grammar is written down
  };
  struct Counts {
    std::atomic<int> calls{0}, tokens{0}, saved{0}, restored{0}, shared{0}, most_sequences{0}, largest_batch{0};
    std::atomic<int> prompts{0};  // that were tokenized
  };

  explicit ScriptedDecoder(Config config) : config_(std::move(config)), counts_(std::make_shared<Counts>()) {}
  [[nodiscard]] std::shared_ptr<Counts> counts() const { return counts_; }

  Result<std::vector<Token>> tokenize(std::span<const PromptPiece> prompt) const override {
    ++counts_->prompts;
    return tokenize_rest(prompt);
  }
  Result<std::vector<Token>> tokenize_rest(std::span<const PromptPiece> prompt) const override {
    config_.on_call();
    std::vector<Token> tokens;
    for (const auto& piece : prompt) {
      if (piece.text == "<control>" && !piece.from_caller) {
        tokens.push_back(kControl);
        continue;
      }
      for (const char c : piece.text) tokens.push_back(static_cast<unsigned char>(c));
    }
    return tokens;
  }
  std::string piece(Token token) const override {
    config_.on_call();
    if (token == kEnd) return "<end>";
    if (token == kControl) return "<control>";
    return std::string(1, static_cast<char>(token));
  }
  bool ends_generation(Token token) const override { return token == kEnd; }
  bool is_control(Token token) const override { return token >= kEnd; }

  class MostLikely final : public TokenSampler {
   public:
    explicit MostLikely(
        std::function<void()> on_call = [] {}, std::vector<std::string>* changes = nullptr,
        std::vector<std::string> grammars = {})
        : on_call_(std::move(on_call)), changes_(changes), grammars_(std::move(grammars)) {}
    void see(std::span<const Token>) override { on_call_(); }
    Result<void> hold_to(std::optional<std::size_t> grammar) override {
      on_call_();
      if (changes_ != nullptr) changes_->push_back(grammar ? grammars_.at(*grammar) : "none");
      return {};
    }
    Result<Token> sample(std::span<const float> logits) override {
      on_call_();
      return static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
    }

   private:
    std::function<void()> on_call_;
    std::vector<std::string>* changes_;
    std::vector<std::string> grammars_;
  };
  Result<std::unique_ptr<TokenSampler>> make_sampler(const SamplingConfig&,
                                                     std::span<const std::string> grammars) const override {
    config_.on_call();
    return std::make_unique<MostLikely>(config_.on_call, config_.grammars,
                                        std::vector<std::string>(grammars.begin(), grammars.end()));
  }

  std::int32_t context_tokens() const override { return config_.context_tokens; }
  std::int32_t max_sequences() const override { return config_.max_sequences; }
  std::int32_t batch_tokens() const override { return config_.batch_tokens; }
  bool can_share() const override { return config_.shares && !config_.recurrent; }
  std::string device() const override { return "CPU"; }
  bool needs_checkpoints() const override { return config_.recurrent; }

  Result<void> decode(std::span<const PlacedToken> tokens, const std::stop_token& stop) override {
    config_.on_call();
    const int call = counts_->calls++;
    if (call == config_.fail_at_call) return fail(config_.fail_with, "scripted failure");
    if (std::ssize(tokens) > config_.batch_tokens) return fail(ErrorCode::Internal, "too many tokens in a batch");
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
      if (config_.time_per_token.count() > 0) std::this_thread::sleep_for(config_.time_per_token);
    }
    std::size_t held = 0;
    for (const auto& [id, sequence] : memory_) held += sequence.size();
    if (held + tokens.size() > static_cast<std::size_t>(config_.context_tokens)) {
      return fail(ErrorCode::ContextFull, "no room");
    }
    logits_.clear();
    std::map<std::int32_t, int> sequences;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto& t = tokens[i];
      auto& sequence = memory_[t.sequence];
      if (t.position != std::ssize(sequence)) return fail(ErrorCode::Internal, "a gap in a sequence");
      sequence.push_back(t.token);
      ++sequences[t.sequence];
      if (t.wants_logits) logits_[i] = next(sequence);
    }
    counts_->tokens += static_cast<int>(tokens.size());
    counts_->largest_batch = std::max(counts_->largest_batch.load(), static_cast<int>(tokens.size()));
    counts_->most_sequences = std::max(counts_->most_sequences.load(), static_cast<int>(sequences.size()));
    return {};
  }
  Result<std::span<const float>> logits(std::size_t index) const override {
    config_.on_call();
    const auto found = logits_.find(index);
    if (found == logits_.end()) return fail(ErrorCode::Internal, "no logits there");
    return std::span<const float>(found->second);
  }
  bool cut(std::int32_t sequence, std::int32_t from) override {
    config_.on_call();
    auto& tokens = memory_[sequence];
    if (config_.recurrent && from < std::ssize(tokens)) return false;
    tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(from)));
    return true;
  }
  void clear(std::int32_t sequence) override {
    config_.on_call();
    memory_[sequence].clear();
  }
  void share(std::int32_t from, std::int32_t to, std::int32_t length) override {
    config_.on_call();
    ++counts_->shared;
    memory_[to].assign(memory_[from].begin(), memory_[from].begin() + length);
  }
  std::int32_t length(std::int32_t sequence) const override {
    const auto found = memory_.find(sequence);
    return found == memory_.end() ? 0 : static_cast<std::int32_t>(found->second.size());
  }
  Result<std::vector<std::byte>> save(std::int32_t sequence, MemoryPart part) const override {
    config_.on_call();
    if (part == MemoryPart::Whole) ++counts_->saved;
    const auto& tokens = memory_.at(sequence);
    std::vector<std::byte> bytes(tokens.size() * sizeof(Token));
    std::memcpy(bytes.data(), tokens.data(), bytes.size());
    return bytes;
  }
  Result<void> restore(std::int32_t sequence, std::span<const std::byte> bytes, MemoryPart part) override {
    config_.on_call();
    if (part == MemoryPart::Whole) ++counts_->restored;
    auto& tokens = memory_[sequence];
    tokens.resize(bytes.size() / sizeof(Token));
    std::memcpy(tokens.data(), bytes.data(), bytes.size());
    return {};
  }

 private:
  std::vector<float> next(const std::vector<Token>& sequence) const {
    std::string text;
    for (const Token t : sequence) text += t < 256 ? static_cast<char>(t) : '?';  // one each, so places agree
    const std::size_t mark = text.rfind(kReply);
    const std::string so_far = mark == std::string::npos ? "" : text.substr(mark + 1);
    const std::string reply = config_.reply(text.substr(0, mark));
    Token token = kEnd;
    if (so_far.size() < reply.size()) {
      const char c = reply[so_far.size()];
      token = c == kControlInReply ? kControl : static_cast<unsigned char>(c);
    } else if (config_.endless) {
      token = 'z';
    }
    std::vector<float> logits(258, 0.0F);
    logits[static_cast<std::size_t>(token)] = 10.0F;
    return logits;
  }

  Config config_;
  std::shared_ptr<Counts> counts_;
  std::map<std::int32_t, std::vector<Token>> memory_;
  std::map<std::size_t, std::vector<float>> logits_;
};

}  // namespace llama
