#include "tool_threads.h"

#include <system_error>
#include <utility>

namespace llama::internal {

ToolThreads::~ToolThreads() {
  for (auto& entry : entries_) entry.thread.join();
}

void ToolThreads::join_ended() {
  std::erase_if(entries_, [](Entry& entry) {
    if (!entry.has_ended->load()) return false;
    entry.thread.join();
    return true;
  });
}

bool ToolThreads::start(std::function<void()> work) {
  const std::scoped_lock lock(mutex_);
  join_ended();
  if (entries_.size() >= kMaxThreads) return false;
  auto has_ended = std::make_shared<std::atomic<bool>>(false);
  try {
    std::thread thread([has_ended, todo = std::move(work)]() mutable {
      todo();
      todo = nullptr;  // what it holds goes before anybody is told
      has_ended->store(true);
    });
    entries_.push_back({std::move(has_ended), std::move(thread)});
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace llama::internal
