#include "prompt.h"

#include <algorithm>
#include <cstddef>
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

// Where the turns begin that may be left out one after the other, and then the last one, which stays: behind the
// system's messages, and with each message of a user further on. Calls and their results go together.
std::vector<std::size_t> turns_of(std::span<const Message> messages) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const MessageRole role = messages[i].role;
    if (begins.empty() ? role != MessageRole::System : role == MessageRole::User) begins.push_back(i);
  }
  return begins;
}

// A prompt, and the messages that it was made of.
struct PromptTry {
  Prompt prompt;
  std::vector<Message> kept;
};

class PromptMaker {
 public:
  PromptMaker(const ChatTemplate& chat_template, const Decoder& decoder, std::span<const Message> messages,
              const RenderOptions& options, const Transcript& transcript)
      : chat_template_(chat_template),
        decoder_(decoder),
        messages_(messages),
        options_(options),
        transcript_(transcript),
        turns_(turns_of(messages)) {}

  [[nodiscard]] std::size_t most_to_drop() const { return turns_.empty() ? 0 : turns_.size() - 1; }
  // Without so many of the oldest turns.
  [[nodiscard]] Result<PromptTry> make(std::size_t dropped) const;

 private:
  const ChatTemplate& chat_template_;
  const Decoder& decoder_;
  std::span<const Message> messages_;
  const RenderOptions& options_;
  const Transcript& transcript_;
  std::vector<std::size_t> turns_;
};

Result<PromptTry> PromptMaker::make(std::size_t dropped) const {
  PromptTry made;
  made.kept.assign(messages_.begin(), messages_.end());
  if (dropped > 0) {
    const auto begin = made.kept.begin();
    made.kept.erase(begin + static_cast<std::ptrdiff_t>(turns_.front()),
                    begin + static_cast<std::ptrdiff_t>(turns_[dropped]));
  }
  const auto pieces = chat_template_.render(made.kept, options_);
  if (!pieces) return std::unexpected(pieces.error());
  Prompt& prompt = made.prompt;
  prompt.text = joined(*pieces);
  const PromptPiece end = pieces->empty() ? PromptPiece() : pieces->back();
  if (options_.continue_last_message) {
    prompt.continues = made.kept.back().content.empty() ? Continues::Thought : Continues::Answer;
    prompt.continued = end.text;
  } else {
    prompt.own_end = end.from_caller ? std::string() : end.text;
  }
  auto tokens = tokens_of(decoder_, *pieces, prompt.text, transcript_);
  if (!tokens) return std::unexpected(tokens.error());
  prompt.tokens = std::move(*tokens);
  if (prompt.tokens.empty()) return fail(ErrorCode::InvalidText, "the conversation has no tokens");
  prompt.dropped_messages = static_cast<std::int32_t>(messages_.size() - made.kept.size());
  return made;
}

}  // namespace

Result<Prompt> make_prompt(const ChatTemplate& chat_template, const Decoder& decoder, std::span<const Message> messages,
                           const RenderOptions& options, const PromptLimits& limits, const Transcript& transcript) {
  const PromptMaker maker(chat_template, decoder, messages, options, transcript);
  // What the oldest turns are dropped for: room for the reply, but not more than half of the context.
  const bool drops = limits.overflow == OverflowPolicy::DropOldest;
  const std::int32_t wanted = drops ? std::min(limits.max_tokens, limits.context_tokens / 2) : 1;
  const auto length = [](const PromptTry& made) { return static_cast<std::int32_t>(made.prompt.tokens.size()); };
  const auto is_enough = [&](const PromptTry& made) { return length(made) + wanted <= limits.context_tokens; };
  const std::size_t most = drops ? maker.most_to_drop() : 0;
  auto found = maker.make(0);
  if (!found) return std::unexpected(found.error());
  // Twice as many each time until they are enough, and then as few as are: each try reads the whole conversation.
  std::size_t too_few = 0, enough = 0;
  while (!is_enough(*found) && enough < most) {
    too_few = enough;
    enough = std::min(most, std::max<std::size_t>(1, 2 * enough));
    found = maker.make(enough);
    if (!found) return std::unexpected(found.error());
  }
  while (is_enough(*found) && too_few + 1 < enough) {
    const std::size_t middle = too_few + (enough - too_few) / 2;
    auto tried = maker.make(middle);
    if (!tried) return std::unexpected(tried.error());
    if (is_enough(*tried)) {
      enough = middle;
      found = std::move(tried);
    } else {
      too_few = middle;
    }
  }
  if (length(*found) >= limits.context_tokens) {
    return fail(ErrorCode::ContextFull,
                std::format("the conversation has {} tokens, {} more than fit a context of {} with an answer",
                            length(*found), length(*found) - limits.context_tokens + 1, limits.context_tokens));
  }
  // Where even that is not enough, the reply will be shorter than wished.
  auto& [prompt, kept] = *found;
  if (!decoder.needs_checkpoints() || options.continue_last_message) return std::move(prompt);
  // The next turn shares everything up to the reply, but not always the words that open the reply.
  RenderOptions closed = options;
  closed.add_generation_prompt = false;
  if (const auto pieces = chat_template.render(kept, closed)) {
    if (const auto tokens = tokens_of(decoder, *pieces, joined(*pieces), transcript)) {
      const auto common = static_cast<std::int32_t>(common_prefix(*tokens, prompt.tokens));
      if (common > 0 && common < std::ssize(prompt.tokens)) prompt.checkpoints.push_back(common);
    }
  }
  return std::move(prompt);
}

}  // namespace llama::internal
