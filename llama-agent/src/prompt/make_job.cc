#include "make_job.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "../reply/reply_format.h"
#include "../schema/schema_budget.h"
#include "../tools/grammar/call_grammar.h"
#include "../tools/grammar/offered_tools.h"
#include "llama-agent/sampling_choice.h"
#include "prompt.h"

namespace llama::internal {
namespace {

// Does the prompt end with the opener of a thought? Only the template's own words count.
bool opens_thought(const std::string& own_end, const ThinkingMarkers& markers) {
  const std::size_t opened = own_end.rfind(markers.opener);
  if (opened == std::string::npos) return false;
  return own_end.find_first_not_of(" \t\r\n", opened + markers.opener.size()) == std::string::npos;
}

// The control tokens among those that texts consist of.
Result<std::vector<Token>> control_tokens_in(const Decoder& decoder, std::span<const std::string_view> texts) {
  std::vector<Token> found;
  for (const auto text : texts) {
    const PromptPiece piece{std::string(text), false};
    auto tokens = decoder.tokenize_rest(std::span(&piece, 1));
    if (!tokens) return tokens;
    std::ranges::copy_if(*tokens, std::back_inserter(found), [&](Token token) { return decoder.is_control(token); });
  }
  std::ranges::sort(found);
  return found;
}

// How the reply is read: its format, and which control tokens that wants to see.
Result<void> set_format(Job& job, const GenerationRequest& request, std::span<const OfferedTool> tools,
                        const Prompt& prompt, const JobSurroundings& surroundings) {
  ReplyFormatOptions& options = job.rules.format_options;
  const ReplyFormatKind& own = reply_format_named(surroundings.chat_template.reply_format());
  const ReplyFormatKind& kind = tools.empty() && !own.reads_every_reply ? kTextFormat : own;
  for (const auto& tool : tools) {
    options.tools.push_back(tool.name);
    options.tool_parameters.push_back(tool.parameters);
  }
  options.spoken_calls = request.spoken_calls;
  job.rules.format = &kind;
  std::vector<std::string_view> shown(kind.markers.begin(), kind.markers.end());
  const auto& markers = surroundings.chat_template.thinking_markers();
  // An answer that goes on has had its thought.
  if (markers && prompt.continues != Continues::Answer) {
    options.thinking_opener = markers->opener;
    options.thinking_closer = markers->closer;
    options.thinking_goes_on = prompt.continues == Continues::Thought;
    options.thinking_is_open = options.thinking_goes_on || opens_thought(prompt.own_end, *markers);
    shown.insert(shown.end(), {options.thinking_opener, options.thinking_closer});
    if (request.thinking_budget) {
      job.thinking_budget = request.thinking_budget;
      const PromptPiece end{"\n" + markers->closer + "\n\n", false};
      auto closing = surroundings.decoder.tokenize_rest(std::span(&end, 1));
      if (!closing) return std::unexpected(closing.error());
      job.thinking_end = std::move(*closing);
    }
  }
  auto tokens = control_tokens_in(surroundings.decoder, shown);
  if (!tokens) return std::unexpected(tokens.error());
  job.shown_control_tokens = std::move(*tokens);
  job.rules.call_ids = new_ulid().substr(22);
  return {};
}

// The grammars that its calls are held to: none where no tools are offered, or where it is not known how the model
// writes calls. Returns {the request's own, the rest of a call}.
Result<std::pair<std::string, std::string>> set_hold(Job& job, const GenerationRequest& request,
                                                     std::span<const OfferedTool> tools, SchemaBudget& budget) {
  using Grammars = std::pair<std::string, std::string>;
  job.rules.several_calls = request.tool_choice.several;
  if (tools.empty()) return Grammars();
  const ReplyFormatOptions& options = job.rules.format_options;
  const std::string_view thinking_opener = options.thinking_is_open ? std::string_view() : options.thinking_opener;
  const bool must_call =
      request.tool_choice.kind == ToolChoice::Kind::Required || request.tool_choice.kind == ToolChoice::Kind::Named;
  CallHold& hold = job.rules.hold;
  const CallPattern* pattern = call_pattern_of(job.rules.format->name);
  if (pattern == nullptr) {
    const std::string_view opener = call_opener_of(job.rules.format->name);
    hold.whole_reply = must_call && !opener.empty();
    return Grammars(hold.whole_reply ? opener_grammar(opener, thinking_opener) : "", "");
  }
  const bool is_known = options.thinking_is_open || !thinking_opener.empty();
  CallGrammars made =
      call_grammars(*pattern, tools, request.tool_choice, is_known ? thinking_opener : pattern->thought, budget);
  if (budget.is_stopped()) return fail(ErrorCode::Cancelled, "reading the tools' JSON schemas was stopped");
  hold.whole_reply = must_call;
  hold.marker = pattern->marker;
  hold.marker_is_once = pattern->opener.contains(pattern->marker);
  if (!made.remarks.empty()) {
    job.judge = [remarks = std::move(made.remarks)](GenerationResponse& response) { response.remarks = remarks; };
  }
  return Grammars(std::move(made.whole), std::move(made.rest));
}

// How its tokens are drawn: the settings, and the grammars.
Result<void> set_sampler(Job& job, const GenerationRequest& request, std::string of_request, std::string rest_of_call,
                         const JobSurroundings& surroundings) {
  job.sampling = choose_sampling(request.sampling, surroundings.metadata).config;
  std::vector<std::string> grammars;
  for (std::string* gbnf : {&of_request, &rest_of_call}) {
    job.grammars.push_back(gbnf->empty() ? std::nullopt : std::optional(grammars.size()));
    if (!gbnf->empty()) grammars.push_back(std::move(*gbnf));
  }
  if (grammars.empty()) job.grammars.clear();
  auto sampler = surroundings.decoder.make_sampler(job.sampling, grammars);
  if (!sampler) return std::unexpected(sampler.error());
  job.sampler = std::move(*sampler);
  return {};
}

}  // namespace

Result<MadeJob> make_job(const GenerationRequest& request, const Session& session, const JobSurroundings& surroundings,
                         const Transcript& transcript, const std::stop_token& stop) {
  if (session.messages.empty() || session.messages.back().role == MessageRole::System) {
    return fail(ErrorCode::InvalidArgument, "the session has no message to answer");
  }
  const Message& last = session.messages.back();
  if (!last.tool_calls.empty()) {
    return fail(ErrorCode::InvalidArgument, "the session waits for the results of the tools that were called");
  }
  const bool offers_tools = request.tool_choice.kind != ToolChoice::Kind::None;
  const auto tools = read_offered_tools(offers_tools ? request.tools : "");
  if (!tools) return std::unexpected(tools.error());
  if (auto sound = check_choice(request.tool_choice, *tools); !sound) return std::unexpected(sound.error());
  auto job = std::make_unique<Job>();
  SchemaBudget budget(stop);
  std::string grammar = request.grammar;
  if (!request.json_schema.empty()) {
    auto schema = budget.read(request.json_schema);
    if (!schema) return std::unexpected(schema.error());
    grammar = schema->grammar();
    job->judge = [schema = std::move(*schema)](GenerationResponse& response) {
      if (auto valid = schema.validate(response.generated_text); !valid) {
        response.schema_violation = valid.error().message;
      }
    };
  }
  RenderOptions options{.enable_thinking = request.enable_thinking,
                        .tools = tools->empty() ? "" : request.tools,
                        .now = session.created_at};
  options.continue_last_message = last.role == MessageRole::Assistant;
  options.add_generation_prompt = !options.continue_last_message;
  auto prompt = make_prompt(surroundings.chat_template, surroundings.decoder, session.messages, options,
                            {.context_tokens = surroundings.decoder.context_tokens(),
                             .max_tokens = request.stopping.max_tokens,
                             .overflow = request.overflow},
                            transcript);
  if (!prompt) return std::unexpected(prompt.error());

  job->rules.stopping = request.stopping;
  job->rules.end_texts = surroundings.chat_template.end_of_turn_texts();
  if (auto set = set_format(*job, request, *tools, *prompt, surroundings); !set) return std::unexpected(set.error());
  auto hold = set_hold(*job, request, *tools, budget);
  if (!hold) return std::unexpected(hold.error());
  auto& [of_calls, rest_of_call] = *hold;
  if (!of_calls.empty()) grammar = std::move(of_calls);
  if (auto set = set_sampler(*job, request, std::move(grammar), std::move(rest_of_call), surroundings); !set) {
    return std::unexpected(set.error());
  }
  job->logprobs = request.logprobs;
  job->dropped_messages = prompt->dropped_messages;
  job->checkpoints = std::move(prompt->checkpoints);
  job->stream = std::make_shared<ReplyStream>();
  job->prompt = std::move(prompt->tokens);
  return MadeJob{std::move(job), std::move(prompt->text), std::move(prompt->continued)};
}

Message reply_message(const GenerationResponse& response) {
  return {.role = MessageRole::Assistant,
          .content = response.generated_text,
          .thinking = response.thinking,
          .tool_calls = response.tool_calls};
}

// A template may show a part of a message only, or less white space at its end: what stands before that part stays.
Message extended(const Message& last, const std::string& continued, const GenerationResponse& response) {
  const auto begun = [&](const std::string& text) {
    const std::size_t at = text.rfind(continued);
    return at == std::string::npos ? continued : text.substr(0, at + continued.size());
  };
  Message longer = last;
  if (last.content.empty()) {
    longer.thinking = begun(last.thinking) + response.thinking;
    longer.content = response.generated_text;
  } else {
    longer.content = begun(last.content) + response.generated_text;
  }
  longer.tool_calls = response.tool_calls;
  longer.timestamp = std::chrono::system_clock::now();
  return longer;
}

}  // namespace llama::internal
