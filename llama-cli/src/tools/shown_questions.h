// Put a question only after all that happened before it is shown: who shows and who asks are two threads.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

namespace llama {

class ShownQuestions {
 public:
  void announce(const std::string& call_id);  // it is the next thing to be seen
  // Waits until it is announced, or for a stop.
  void wait_for(const std::string& call_id, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> announced_;  // and not yet asked
};

}  // namespace llama
