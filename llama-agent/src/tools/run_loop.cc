#include "run_loop.h"

#include <algorithm>
#include <exception>
#include <format>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "tool_set_state.h"
#include "tool_text.h"

namespace llama::internal {
namespace {

constexpr std::string_view kErrorPrefix = "Error: ";

class RunLoop {
 public:
  RunLoop(const RunRequest& request, const RunHost& host, const std::function<void(RunEvent)>& tell,
          const std::stop_token& stop)
      : request_(request),
        host_(host),
        tell_(tell),
        stop_(stop, host.stop, request.limits.time_limit),
        guard_(request.limits, request.parallel.references, stop_.token()),
        left_bytes_(request.limits.max_result_bytes_in_all) {
    rules_.approvals = request.approvals;
    if (!rules_.approvals.memory) rules_.approvals.memory = std::make_shared<ApprovalMemory>();
    rules_.limits = request.limits;
    rules_.parallel = request.parallel;
    rules_.stop = stop_.token();
    rules_.why_stopped = [this] {
      return stop_.timed_out() ? std::string("the time of the run is over") : std::string("the run was cancelled");
    };
  }

  Result<RunResponse> run() {
    for (std::int32_t round = 1;; ++round) {
      response_.rounds = round;
      tell_(RoundBegun{round});
      const ToolList tools = list_tools();
      if (auto replied = reply(tools, round); !replied) {
        if (!stop_.is_requested()) return std::unexpected(replied.error());
        finish(stopped_end(), rules_.why_stopped());
        break;
      }
      const auto& said = response_.reply;
      auto calls = said.tool_calls;
      const auto unfinished = said.unfinished_call;
      if (!calls.empty() || unfinished) {
        if (!said.not_kept.empty()) return fail(ErrorCode::NotFound, said.not_kept);
        if (auto done = run_calls_of(std::move(calls), unfinished, tools, round); !done) {
          return std::unexpected(done.error());
        }
      }
      tell_(RoundEnded{round, said.usage, said.finish_reason});
      if (should_end(had_calls_)) break;
    }
    tell_(RunEnded{response_.end, response_.detail});
    return std::move(response_);
  }

 private:
  void remark(std::string text) {
    text = clean_text(std::move(text));
    if (!told_.insert(text).second) return;
    response_.remarks.push_back(text);
    tell_(RunRemark{std::move(text)});
  }

  [[nodiscard]] RunEnd stopped_end() const { return stop_.timed_out() ? RunEnd::TimeLimit : RunEnd::Cancelled; }

  void finish(RunEnd end, std::string detail) {
    response_.end = end;
    response_.detail = std::move(detail);
  }

  bool should_end(bool had_calls) {
    const auto reason = response_.reply.finish_reason;
    if (stop_.is_requested()) return finish(stopped_end(), rules_.why_stopped()), true;
    if (guard_.end()) return finish(*guard_.end(), guard_.detail()), true;
    if (had_calls) return false;
    const bool is_cut =
        reason == FinishReason::TokenLimit || reason == FinishReason::ContextFull || reason == FinishReason::TimeLimit;
    finish(is_cut ? RunEnd::TokenLimit : RunEnd::Answered, std::string(to_string(reason)));
    return true;
  }

  ToolList list_tools() {
    auto list = request_.tools->list(stop_.token());
    for (const auto& failure : list.failures) remark("no tools: " + failure.error.message);
    for (const auto& tool : list.tools) {
      const auto [known, is_new] = known_.emplace(tool.full_name(), tool.definition);
      if (is_new || known->second == tool.definition) continue;
      known->second = tool.definition;
      remark(std::format("tool '{}' has changed its definition", tool.full_name()));
    }
    return list;
  }

  Result<void> reply(const ToolList& tools, std::int32_t round) {
    GenerationRequest generation = request_.generation;
    generation.tools = tools.json();
    if (round > 1 && generation.tool_choice.kind != ToolChoice::Kind::None) {
      generation.tool_choice.kind = ToolChoice::Kind::Auto;
      generation.tool_choice.name.clear();
    }
    const auto before = host_.sessions->get(generation.session_id);
    if (!before) return std::unexpected(before.error());
    messages_before_ = before->messages.size();
    is_continuation_ = messages_before_ > 0 && before->messages.back().role == MessageRole::Assistant;
    auto stream = host_.reply(generation, stop_.token());
    if (!stream) return std::unexpected(stream.error());
    for (;;) {
      auto chunk = stream->next();
      if (!chunk) return std::unexpected(chunk.error());
      if (!*chunk) break;
      for (auto& event : (*chunk)->events) {
        std::visit([&](auto& e) { tell_(std::move(e)); }, event);
      }
    }
    response_.reply = stream->response();
    for (const auto& text : response_.reply.remarks) remark(text);
    const auto& usage = response_.reply.usage;
    response_.usage.prompt_tokens += usage.prompt_tokens;
    response_.usage.reused_tokens += usage.reused_tokens;
    response_.usage.generated_tokens += usage.generated_tokens;
    response_.usage.dropped_messages = std::max(response_.usage.dropped_messages, usage.dropped_messages);
    if (usage.dropped_messages > 0) {
      remark(std::format("{} of the oldest messages did not fit the context", usage.dropped_messages));
    }
    had_calls_ = false;
    return {};
  }

  // A call that cannot be run stands in the session with no arguments, so that the model can be told why.
  Result<bool> keep_unfinished(const ToolCall& call) {
    if (call.name.empty()) {
      remark("a call that was cut off before its tool's name, or that cannot be read, was not run");
      return false;
    }
    const auto session = host_.sessions->get(request_.generation.session_id);
    if (!session) return std::unexpected(session.error());
    const ToolCall kept{call.id, call.name, "{}"};
    const auto& messages = session->messages;
    // An assistant's message that went on grew in its place.
    const bool is_there = !messages.empty() && messages.back().role == MessageRole::Assistant &&
                          (messages.size() > messages_before_ || is_continuation_);
    Result<void> done;
    if (is_there) {
      Message longer = messages.back();
      longer.tool_calls.push_back(kept);
      done = host_.sessions->extend_message(session->id, messages.size() - 1, messages.back(), std::move(longer));
    } else {
      done = host_.sessions->add_message(session->id, {.role = MessageRole::Assistant, .tool_calls = {kept}});
    }
    if (!done) return std::unexpected(done.error());
    return true;
  }

  Result<void> run_calls_of(std::vector<ToolCall> calls, const std::optional<ToolCall>& unfinished,
                            const ToolList& tools, std::int32_t round) {
    auto to_run = guard_.look_at(std::move(calls), tools, round >= request_.limits.max_rounds);
    if (unfinished) {
      const auto kept = keep_unfinished(*unfinished);
      if (!kept) return std::unexpected(kept.error());
      if (*kept) {
        const bool was_cut = response_.reply.finish_reason != FinishReason::EndOfSequence;
        guard_.count_arguments(unfinished->name, false);
        if (round >= request_.limits.max_rounds) (void)guard_.look_at({*unfinished}, tools, true);
        const std::string why = was_cut ? "not run: the call was cut off before its end; write it again, and shorter"
                                        : "not run: the arguments are no JSON object; write the call again";
        to_run.push_back({{unfinished->id, unfinished->name, "{}"}, nullptr, why});
        remark(std::format("a call of '{}' was not run: {}", unfinished->name,
                           was_cut ? "it was cut off" : "its arguments are no JSON object"));
      }
    }
    if (to_run.empty()) return {};
    had_calls_ = true;
    return execute(to_run);
  }

  Result<void> execute(const std::vector<CallToRun>& calls) {
    std::vector<std::optional<CallResult>> results(calls.size());
    std::size_t saved = 0;
    Result<void> kept;
    CallHooks hooks{
        .tell = tell_,
        .remark = [this](std::string text) { remark(std::move(text)); },
        .ended =
            [&](std::size_t i, const EndedCall& end) {
              if (end.was_run || !end.wrong_arguments.empty()) guard_.count_arguments(calls[i].call.name, end.was_run);
              results[i] = shown(i, calls[i], end);
              tell_(*results[i]);
              // In the order of the calls, as far as they have ended.
              for (; saved < results.size() && results[saved]; ++saved) {
                if (auto done = save(*results[saved]); !done && kept) kept = done;
              }
            },
    };
    try {
      (void)run_calls(calls, rules_, ToolSetInside::threads(*request_.tools), hooks);
    } catch (...) {  // an observer that throws, no memory: what was called has its result all the same
      for (; saved < calls.size(); ++saved) {
        const auto& call = calls[saved].call;
        if (!results[saved])
          results[saved] = CallResult{.id = call.id, .name = call.name, .result = {"the run failed", true}};
        (void)save(*results[saved]);
      }
      std::rethrow_exception(std::current_exception());  // to guarded(), which makes an error of it
    }
    for (auto& result : results) response_.calls.push_back(std::move(*result));
    return kept;
  }

  CallResult shown(std::size_t i, const CallToRun& call, const EndedCall& end) {
    const std::size_t room = host_.max_message_bytes - kCutNoteBytes - kErrorPrefix.size();
    const std::size_t most = std::min({request_.limits.max_result_bytes, room, left_bytes_});
    CallResult result{static_cast<std::int32_t>(i), call.call.id, call.call.name, end.result, 0, end.was_run, end.time};
    // What the run itself says is short and always has room.
    if (!end.was_run) {
      result.result.text = cut_result(std::move(result.result.text), std::min(room, kMaxRefusalBytes)).text;
      return result;
    }
    if (left_bytes_ == 0 && !result.result.text.empty()) {
      result.cut_bytes = result.result.text.size();
      result.result.text = "[cut: the results of this run have no more room. Answer with what is there.]";
      remark(std::format("results have more than {} bytes in all: what came after that was cut",
                         request_.limits.max_result_bytes_in_all));
      return result;
    }
    auto cut = cut_result(std::move(result.result.text), most);
    left_bytes_ -= std::min(left_bytes_, cut.text.size());
    result.result.text = std::move(cut.text);
    result.cut_bytes = cut.cut_bytes;
    if (cut.cut_bytes > 0) remark(std::format("a result of '{}' was cut by {} bytes", call.call.name, cut.cut_bytes));
    return result;
  }

  Result<void> save(const CallResult& result) {
    const std::string_view prefix = result.result.is_error ? kErrorPrefix : "";
    return host_.sessions->add_message(request_.generation.session_id,
                                       {.role = MessageRole::Tool,
                                        .content = std::string(prefix) + result.result.text,
                                        .tool_call_id = result.id,
                                        .tool_name = result.name});
  }

  static constexpr std::size_t kMaxRefusalBytes = 8192;  // a list of many tools is long

  const RunRequest& request_;
  const RunHost& host_;
  const std::function<void(RunEvent)>& tell_;
  RunStop stop_;
  RunGuard guard_;
  CallRules rules_;
  RunResponse response_;
  std::size_t left_bytes_;
  std::size_t messages_before_ = 0;
  bool is_continuation_ = false;
  bool had_calls_ = false;
  std::map<std::string, ToolDefinition> known_;
  std::set<std::string> told_;
};

}  // namespace

Result<void> check(const RunRequest& request) {
  if (request.tools == nullptr) return fail(ErrorCode::InvalidArgument, "a run needs a set of tools");
  if (!request.generation.tools.empty()) {
    return fail(ErrorCode::InvalidArgument, "a run's tools are those of its set, and none of its request");
  }
  if (auto sound = llama::check(request.limits); !sound) return sound;
  return llama::check(request.parallel);
}

Result<RunResponse> run_to_the_end(const RunRequest& request, const RunHost& host,
                                   const std::function<void(RunEvent)>& tell, const std::stop_token& stop) {
  return RunLoop(request, host, tell, stop).run();
}

}  // namespace llama::internal
