#include "shown_questions.h"

namespace llama {

void ShownQuestions::announce(const std::string& call_id) {
  const std::scoped_lock lock(mutex_);
  announced_.insert(call_id);
  changed_.notify_all();
}

void ShownQuestions::wait_for(const std::string& call_id, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return announced_.contains(call_id); });
  announced_.erase(call_id);
}

}  // namespace llama
