#include "prompt.h"

#include <algorithm>
#include <format>
#include <utility>

#include "../engine/sequence_store.h"

namespace llama::internal {
namespace {

// The pieces behind the first `skipped` bytes.
std::vector<PromptPiece> rest_of(std::span<const PromptPiece> pieces, std::size_t skipped) {
  std::vector<PromptPiece> rest;
  for (const auto& piece : pieces) {
    const std::size_t cut = std::min(skipped, piece.text.size());
    skipped -= cut;
    if (cut < piece.text.size()) rest.push_back({piece.text.substr(cut), piece.from_caller});
  }
  return rest;
}

Result<std::vector<Token>> tokens_of(const Decoder& decoder, std::span<const PromptPiece> pieces,
                                     const std::string& text, const Transcript& transcript) {
  if (transcript.text.empty() || !text.starts_with(transcript.text)) return decoder.tokenize(pieces);
  auto rest = decoder.tokenize_rest(rest_of(pieces, transcript.text.size()));
  if (!rest) return rest;
  std::vector<Token> tokens = transcript.tokens;
  tokens.insert(tokens.end(), rest->begin(), rest->end());
  return tokens;
}

}  // namespace

std::vector<Message> without_oldest_turn(std::span<const Message> messages) {
  const auto is = [](MessageRole role) { return [role](const Message& m) { return m.role == role; }; };
  const auto first = std::ranges::find_if_not(messages, is(MessageRole::System));
  if (first == messages.end()) return {messages.begin(), messages.end()};
  const auto next = std::find_if(std::next(first), messages.end(), is(MessageRole::User));
  if (next == messages.end()) return {messages.begin(), messages.end()};
  std::vector<Message> rest(messages.begin(), first);
  rest.insert(rest.end(), next, messages.end());
  return rest;
}

Result<Prompt> make_prompt(const ChatTemplate& chat_template, const Decoder& decoder, std::span<const Message> messages,
                           const RenderOptions& options, const PromptLimits& limits, const Transcript& transcript) {
  std::vector<Message> kept(messages.begin(), messages.end());
  // What the oldest turns are dropped for: room for the reply, but not more than half of the context.
  const std::int32_t wanted = std::min(limits.max_tokens, limits.context_tokens / 2);
  Prompt prompt;
  for (;;) {
    const auto pieces = chat_template.render(kept, options);
    if (!pieces) return std::unexpected(pieces.error());
    prompt.text = joined(*pieces);
    const PromptPiece end = pieces->empty() ? PromptPiece() : pieces->back();
    if (options.continue_last_message) {
      prompt.continues = kept.back().content.empty() ? Continues::Thought : Continues::Answer;
      prompt.continued = end.text;
    } else {
      prompt.own_end = end.from_caller ? std::string() : end.text;
    }
    auto tokens = tokens_of(decoder, *pieces, prompt.text, transcript);
    if (!tokens) return std::unexpected(tokens.error());
    prompt.tokens = std::move(*tokens);
    if (prompt.tokens.empty()) return fail(ErrorCode::InvalidText, "the conversation has no tokens");
    const auto length = static_cast<std::int32_t>(prompt.tokens.size());
    const bool fits = length < limits.context_tokens;
    if (limits.overflow == OverflowPolicy::Fail ? fits : length + wanted <= limits.context_tokens) break;
    auto fewer = limits.overflow == OverflowPolicy::DropOldest ? without_oldest_turn(kept) : kept;
    if (fewer.size() == kept.size()) {
      if (fits) break;  // the reply will be shorter than wished
      return fail(ErrorCode::ContextFull,
                  std::format("the conversation has {} tokens, {} more than fit a context of {} with an answer", length,
                              length - limits.context_tokens + 1, limits.context_tokens));
    }
    prompt.dropped_messages += static_cast<std::int32_t>(kept.size() - fewer.size());
    kept = std::move(fewer);
  }
  if (!decoder.needs_checkpoints() || options.continue_last_message) return prompt;
  // The next turn shares everything up to the reply, but not always the words that open the reply.
  RenderOptions closed = options;
  closed.add_generation_prompt = false;
  if (const auto pieces = chat_template.render(kept, closed)) {
    if (const auto tokens = tokens_of(decoder, *pieces, joined(*pieces), transcript)) {
      const auto common = static_cast<std::int32_t>(common_prefix(*tokens, prompt.tokens));
      if (common > 0 && common < std::ssize(prompt.tokens)) prompt.checkpoints.push_back(common);
    }
  }
  return prompt;
}

}  // namespace llama::internal
