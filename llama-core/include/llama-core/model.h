// Hold the weights and the vocabulary of one GGUF model.
//
// Threads  immutable once loaded: share it (shared_ptr<const Model>) between any number of threads and contexts.
#pragma once

#include <cstdint>
#include <filesystem>
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
#include "llama-core/pooling.h"

struct llama_model;

namespace llama {

namespace internal {
class DeviceContext;
}

using Token = std::int32_t;

// How strings like "<|endoftext|>" inside a text are read.
enum class SpecialTokens {
  Parse,  // as the special token of that name, as transformers reads them
  Text,   // as plain text
};

enum class TokenKind { Normal, Unknown, Control, UserDefined, Unused, Byte };

struct VocabularyEntry {
  std::string text;  // as the GGUF has it
  TokenKind kind = TokenKind::Normal;
  float score = 0;  // the logarithm of its probability, or its rank; 0 for kinds of vocabularies without
};

struct ModelLoadOptions {
  std::function<void(double fraction)> on_progress;  // 0 to 1; called by the loading thread
  std::stop_token stop;
  DeviceChoice device{};
  // One line for people: the work goes on, but on another device than was wished. Called by the thread that loads,
  // that makes a context, or that computes, as long as the model lives.
  std::function<void(std::string_view line)> on_notice{};
};

class Model {
 public:
  // Load a model from its files: one, or all parts of a split model in order.
  //
  // What does not fit on the chosen device is loaded for the CPU. A context that does not fit there, or whose device
  // fails while it computes, loads the model once more for the CPU, and goes on; so do all that are made after it.
  // Errors   NotFound, InvalidModel (with llama.cpp's own reason), InvalidArgument (choose_device()), Cancelled.
  // Requires the files to be checked already (llama-loader): llama.cpp trusts what it reads.
  [[nodiscard]] static Result<std::shared_ptr<const Model>> load(std::span<const std::filesystem::path> files,
                                                                 const ModelLoadOptions& options = {});
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Turn UTF-8 text into tokens, with the special tokens that the model wants around it.
  //
  // Errors   InvalidText when the text is longer than llama.cpp can count; OutOfMemory; InvalidModel: no tokens for
  //          single bytes; Internal, with llama.cpp's reason.
  // Threads  any number at once.
  [[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens special) const;

  // The same for a part of a text: nothing is put around it.
  [[nodiscard]] Result<std::vector<Token>> tokenize_part(std::string_view text, SpecialTokens special) const;

  // The bytes of a token: a part of a text, and not always whole characters. "" for a token outside the vocabulary.
  //
  // With SpecialTokens::Text control tokens have no bytes; with Parse they are written as their names.
  [[nodiscard]] std::string piece(Token token, SpecialTokens special) const;

  // Entry i is token i.
  [[nodiscard]] std::vector<VocabularyEntry> vocabulary() const;
  // The map of characters that a Unigram model normalizes with (tokenizer.ggml.precompiled_charsmap); empty where the
  // GGUF has none.
  //
  // Errors   InvalidModel (the file is not what was loaded).
  // Cost     llama.cpp keeps no arrays, so the file's header is read again: some tens of milliseconds.
  [[nodiscard]] Result<std::vector<unsigned char>> precompiled_charsmap() const;
  // The pairs that may be merged ("left right"), the lowest rank first; empty where the GGUF has none.
  //
  // Errors, Cost   as precompiled_charsmap().
  [[nodiscard]] Result<std::vector<std::string>> merges() const;
  // The kind of a token as the GGUF declares it; Normal where it declares none. vocabulary() has llama.cpp's own view:
  // a "</s>" is a control token to it in any vocabulary.
  //
  // Errors, Cost   as precompiled_charsmap().
  [[nodiscard]] Result<TokenKind> declared_kind(Token token) const;
  [[nodiscard]] std::string metadata(std::string_view key) const;  // "" where the GGUF lacks the key
  [[nodiscard]] std::string architecture() const;                  // "bert", "qwen3", …
  [[nodiscard]] std::string description() const;                   // "bert 22M F16"
  [[nodiscard]] std::int32_t trained_context() const;              // tokens
  [[nodiscard]] std::int32_t embedding_dimension() const;          // of a pooled vector
  [[nodiscard]] std::uint64_t size_bytes() const;                  // of the weights
  [[nodiscard]] std::optional<Pooling> pooling() const;            // what the GGUF asks for
  // The names of what a classification head gives, as many as it gives ("yes", "no"); "" where the GGUF names none. One
  // where it does not say how many.
  [[nodiscard]] std::vector<std::string> class_labels() const;
  // Whether llama.cpp's rank pooling reads a causal model at its last token; of others it reads the first.
  //
  // Source   llama.cpp's llm_graph_input_cls.
  [[nodiscard]] bool ranks_by_last_token() const;
  [[nodiscard]] bool is_encoder() const;          // attends to both sides (BERT and its kin)
  [[nodiscard]] bool is_encoder_decoder() const;  // T5 and its kin

  // The tokens that every text ends with, in addition to its own: {} or {SEP} or {EOS}.
  [[nodiscard]] std::optional<Token> closing_token() const { return closing_token_; }
  // How many special tokens an empty text has.
  [[nodiscard]] std::int32_t special_token_count() const { return special_token_count_; }
  [[nodiscard]] std::optional<Token> eos_token() const;
  [[nodiscard]] std::optional<Token> bos_token() const;
  // The token that every text begins with; none where the model wants none.
  [[nodiscard]] std::optional<Token> opening_token() const;
  [[nodiscard]] bool ends_generation(Token token) const;  // end of sequence, of turn, of message
  [[nodiscard]] std::int32_t vocabulary_size() const;     // tokens

  // The Jinja template in the GGUF, or its variant of that name ("tool_use"); none where it has none.
  [[nodiscard]] std::optional<std::string> chat_template(std::string_view variant = {}) const;

  // Where contexts that are made now compute: "CPU", "Vulkan0", "Vulkan0 (2 of 7 layers)".
  [[nodiscard]] std::string device() const;

  // Does the memory of what was read allow going back to any earlier position?
  [[nodiscard]] bool is_recurrent() const;            // Mamba, RWKV, and hybrids with attention
  [[nodiscard]] std::int32_t sliding_window() const;  // tokens that attention sees; 0: all of them

 private:
  friend class EmbeddingContext;
  friend class GenerationContext;
  friend class Grammar;
  friend class Sampler;
  friend class internal::DeviceContext;
  struct Free {
    void operator()(llama_model* model) const noexcept;
  };
  struct DeviceState;
  Model(llama_model* model, std::unique_ptr<DeviceState> device_state);
  [[nodiscard]] static Result<std::shared_ptr<const Model>> load_at(std::unique_ptr<DeviceState> state,
                                                                    const ModelLoadOptions& options);
  // What contexts compute with: this model, or its fallback for the CPU once the device has failed.
  [[nodiscard]] const Model& in_use() const;
  [[nodiscard]] std::string own_device() const;  // of contexts that were made before it failed, too
  [[nodiscard]] bool is_on_device() const;
  [[nodiscard]] bool is_wholly_on_device() const;
  // What the device can give; nothing where it does not say, or on the CPU.
  [[nodiscard]] std::optional<std::uint64_t> device_memory() const;
  // Loads the fallback, unless it is there already. what: "a context of 512 tokens does not fit on".
  [[nodiscard]] Result<const Model*> leave_device(std::string_view what) const;
  Result<std::vector<Token>> tokenize(std::string_view text, SpecialTokens special, bool surround) const;

  std::unique_ptr<llama_model, Free> model_;
  std::unique_ptr<DeviceState> device_state_;
  std::optional<Token> closing_token_;
  std::int32_t special_token_count_ = 0;
  bool aborts_at_white_space_ = false;  // libllama does, where two white spaces are neighbours
};

}  // namespace llama
