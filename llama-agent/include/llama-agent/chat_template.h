// Write a conversation as the text that a model was trained on: its chat template, in Jinja.
//
// Threads  immutable: render from any number at once.
// Cost     a template is untrusted: its source, its depth, its steps and its output are bounded. A conversation is
//          written two to four times, to know which words are whose.
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
  bool add_generation_prompt = true;      // end with what opens the assistant's reply
  bool continue_last_message = false;     // the last message is an assistant's, and goes on
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

  // The same template with other tokens that open and close a text; its source is not read again.
  //
  // Errors   InvalidModel: it cannot write a question with them.
  [[nodiscard]] Result<ChatTemplate> with_tokens(std::string bos, std::string eos) const;

  // The prompt; its pieces together are the template's text. What comes from outside is marked as such: messages,
  // thoughts, calls and their arguments, results, tool definitions, further variables.
  //
  // Errors   InvalidArgument: what the template objects to, in its own words. InvalidModel: a bound, a failure.
  [[nodiscard]] Result<std::vector<PromptPiece>> render(std::span<const Message> messages,
                                                        const RenderOptions& options) const;

  [[nodiscard]] const std::optional<ThinkingMarkers>& thinking_markers() const;
  // How the model writes calls of tools: "hermes", which is also what a template without tools is told in words; "text"
  // where it is not known.
  //
  // Cost     the first time some renderings.
  [[nodiscard]] std::string_view reply_format() const;
  // What the template does not show of tools, or objects to, and is put into another form before it: "definitions",
  // "calls", "results", "several calls", "ids". For people.
  //
  // Cost     as reply_format().
  [[nodiscard]] std::vector<std::string_view> repaired() const;
  // What closes an assistant's turn: "<|im_end|>".
  [[nodiscard]] const std::vector<std::string>& end_of_turn_texts() const;
  // "the model's own", "built-in chatml", …: for people.
  [[nodiscard]] std::string_view origin() const;
  [[nodiscard]] std::string_view source() const;  // Jinja; "" for a built-in format

 private:
  struct State;
  explicit ChatTemplate(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// A model's template: the caller's where there is one, the GGUF's, the built-in format that its text names, ChatML.
//
// Errors   InvalidArgument: the caller's own template cannot be used.
[[nodiscard]] Result<ChatTemplate> chat_template_of(const Model& model,
                                                    const std::optional<ChatTemplate>& callers = std::nullopt);

}  // namespace llama
