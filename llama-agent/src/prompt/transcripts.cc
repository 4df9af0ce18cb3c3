#include "transcripts.h"

#include <algorithm>
#include <set>
#include <utility>

#include "llama-agent/session.h"

namespace llama::internal {

Transcript Transcripts::of(std::string_view session) const {
  const std::scoped_lock lock(mutex_);
  const auto found = transcripts_.find(session);
  return found == transcripts_.end() ? Transcript() : found->second;
}

void Transcripts::put(const std::string& session, Transcript transcript, const SessionStore& sessions) {
  const std::scoped_lock lock(mutex_);
  transcripts_.insert_or_assign(session, std::move(transcript));
  if (transcripts_.size() < limit_) return;
  const auto ids = sessions.list();
  const std::set<std::string_view> kept(ids.begin(), ids.end());
  std::erase_if(transcripts_, [&](const auto& entry) { return !kept.contains(entry.first); });
  limit_ = std::max(kMinLimit, 2 * transcripts_.size());
}

}  // namespace llama::internal
