// Write a conversation as the text that a model was trained on: its chat template, in Jinja.
//
// Threads  immutable: render from any number at once.
// Cost     a template is untrusted: its source, its depth, its steps and its output are bounded.
// Source   the variables are those that transformers' apply_chat_template gives: messages, add_generation_prompt,
//          bos_token, eos_token, tools, enable_thinking, strftime_now(), raise_exception().
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/message.h"
#include "llama-agent/prompt_piece.h"
#include "llama-base/error.h"
#include "llama-core/model.h"

namespace llama {

struct ChatTemplateOptions {
  std::string source;  // Jinja
  std::string bos_token{}, eos_token{};
};

struct RenderOptions {
  bool add_generation_prompt = true;   // end with what opens the assistant's reply
  bool continue_last_message = false;  // the last message is an assistant's, and goes on
  std::optional<bool> enable_thinking{};  // given to the template only where set
  std::string tools{};                    // JSON array of tool definitions; "": none
  std::string arguments{};                // JSON object of further variables; "": none
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();  // of strftime_now()
};

struct ThinkingMarkers {
  std::string opener, closer;  // "<think>", "</think>"
};

class ChatTemplate {
 public:
  // Errors   InvalidModel: what the template cannot be parsed for, or which bound it breaks.
  [[nodiscard]] static Result<ChatTemplate> parse(const ChatTemplateOptions& options);
  // One of llama.cpp's built-in formats: "chatml", "llama3", …
  //
  // Errors   InvalidModel: a name or a template that llama.cpp does not know.
  [[nodiscard]] static Result<ChatTemplate> builtin(std::string name_or_source);
  [[nodiscard]] static ChatTemplate chatml();

  // The prompt; its pieces one behind the other are the template's text.
  //
  // Errors   InvalidArgument: what the template objects to, in its own words. InvalidModel: a bound, a failure.
  [[nodiscard]] Result<std::vector<PromptPiece>> render(std::span<const Message> messages,
                                                        const RenderOptions& options) const;

  [[nodiscard]] const std::optional<ThinkingMarkers>& thinking_markers() const;
  // What closes an assistant's turn: "<|im_end|>".
  [[nodiscard]] const std::vector<std::string>& end_of_turn_texts() const;
  // "the model's own", "built-in chatml", …: for people.
  [[nodiscard]] std::string_view origin() const;

 private:
  struct State;
  explicit ChatTemplate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// A model's template: the caller's where there is one, the GGUF's, the built-in format that its text names, ChatML.
//
// Errors   InvalidArgument: the caller's own template cannot be used.
[[nodiscard]] Result<ChatTemplate> chat_template_of(const Model& model, const std::string& callers_source = {});

}  // namespace llama
