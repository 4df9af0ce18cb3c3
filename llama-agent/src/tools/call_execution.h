// The calls of one reply on their way: the state of each, and the steps of the thread that decides (call_executor.h).
//
// Its steps are in three files: call_executor.cc (who waits for whom, begins and ends), call_approval.cc (who is asked)
// and call_times.cc (whose time is over).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "call_board.h"
#include "call_executor.h"

namespace llama::internal {

using CallClock = std::chrono::steady_clock;

enum class CallPhase { Waiting, Asking, Running, Ended };

struct CallState {
  CallPhase phase = CallPhase::Waiting;
  bool is_ready = false;  // its arguments are what the tool gets
  bool is_approved = false;
  bool runs_alone = false;   // a person changed its arguments, so the plan does not know it any more
  bool is_given_up = false;  // it may still be running
  std::string arguments;
  std::string stopped;  // why it was told to stop; "": it was not
  std::stop_source stop{std::nostopstate};
  CallClock::time_point started{}, deadline = CallClock::time_point::max();
  EndedCall end;
};

class CallExecution {
 public:
  CallExecution(std::span<const CallToRun> calls, const CallRules& rules, ToolThreads& threads, const CallHooks& hooks);

  // Where one of the hooks throws, nobody waits for the calls any more.
  ~CallExecution() {
    for (auto& state : states_) state.stop.request_stop();
  }
  CallExecution(const CallExecution&) = delete;
  CallExecution& operator=(const CallExecution&) = delete;

  std::vector<EndedCall> run();

 private:
  [[nodiscard]] int count(CallPhase phase) const {
    return static_cast<int>(std::ranges::count(states_, phase, &CallState::phase));
  }

  // Ends and begins what can be; true: all have ended.
  bool step();
  // True: something changed for it.
  bool advance(std::size_t i);
  // References replaced, arguments checked. False: it has ended.
  bool make_ready(std::size_t i);
  // False: it has to wait for a place.
  bool start(std::size_t i);
  void take(CallBoard::News news);
  bool end_unrun(std::size_t i, std::string why);
  void end(std::size_t i, ToolResult result);
  // A result that no arguments may hold is needed by nobody any more.
  void drop_large(std::string& text) const;

  bool approve(std::size_t i);
  bool approved(std::size_t i, std::string reason);
  bool denied(std::size_t i, const std::string& reason);
  void take_answer(std::size_t i, ApprovalAnswer answer);

  // Who tells progress is at work: the time begins anew, at most tenfold.
  void extend(CallState& state) const;
  void stop_all();
  void tell_to_stop(CallState& state, std::string why);
  void give_up_late();
  [[nodiscard]] CallClock::time_point next_deadline() const;

  std::span<const CallToRun> calls_;
  const CallRules& rules_;
  ToolThreads& threads_;
  const CallHooks& hooks_;
  std::vector<CallState> states_;
  std::vector<CallToPlan> to_plan_;
  CallPlan plan_;
  bool is_asker_lost_ = false;  // it did not come back: nobody asks it again
  std::shared_ptr<CallBoard> board_ = std::make_shared<CallBoard>();
};

}  // namespace llama::internal
