#include <algorithm>
#include <array>

#include "command_r_format.h"
#include "deepseek_format.h"
#include "function_gemma_format.h"
#include "functionary_format.h"
#include "gemma3_format.h"
#include "gemma4_format.h"
#include "generic_format.h"
#include "harmony_format.h"
#include "hermes_format.h"
#include "kimi_format.h"
#include "lfm_format.h"
#include "listed_format.h"
#include "llama3_format.h"
#include "mistral_format.h"
#include "reply_format.h"
#include "smollm3_format.h"
#include "tag_formats.h"

namespace llama::internal {
namespace {

// The more particular ones first. The last one fits every template.
constexpr std::array kKinds{
    &kGemma4Format,      &kFunctionGemmaFormat, &kLfmFormat,           &kSmolLm3Format,    &kDsml4Format,
    &kDsmlFormat,        &kGlmFormat,           &kSeedFormat,          &kQwenCoderFormat,  &kMiniMaxFormat,
    &kMiniCpmFormat,     &kFunctionary31Format, &kFunctionary32Format, &kMistralIdsFormat, &kMistralArgumentsFormat,
    &kMistralListFormat, &kCommandAFormat,      &kCommandRFormat,      &kDeepSeekR1Format, &kDeepSeekV31Format,
    &kHarmonyFormat,     &kKimiFormat,          &kNemotronFormat,      &kApertusFormat,    &kToolCallsFormat,
    &kGranite3Format,    &kPhi4Format,          &kHermesFormat,        &kLlama3Format,     &kGenericFormat,
    &kGemma3Format,      &kTextFormat,
};

template <class Event>
void tell(std::string_view text, ReplyEvents& events) {
  if (text.empty()) return;
  if (!events.empty()) {
    if (auto* last = std::get_if<Event>(&events.back())) {
      last->text += text;
      return;
    }
  }
  events.push_back(Event{std::string(text)});
}

}  // namespace

std::span<const ReplyFormatKind* const> reply_formats() { return kKinds; }

const ReplyFormatKind& choose_reply_format(const TemplateTraits& traits) {
  return **std::ranges::find_if(kKinds, [&](const auto* kind) { return kind->fits(traits); });
}

const ReplyFormatKind& reply_format_named(std::string_view name) {
  const auto named = std::ranges::find(kKinds, name, [](const auto* kind) { return kind->name; });
  return named == kKinds.end() ? kTextFormat : **named;
}

void tell_text(std::string_view text, ReplyEvents& events) { tell<TextEvent>(text, events); }
void tell_thinking(std::string_view text, ReplyEvents& events) { tell<ThinkingEvent>(text, events); }
void tell_cut_call(std::int32_t call, ReplyEvents& events) {
  events.emplace_back(ToolCallBegun{.call = call});
  events.emplace_back(ToolCallEnded{.call = call, .is_complete = false});
}

}  // namespace llama::internal
