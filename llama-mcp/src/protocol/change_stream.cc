#include "protocol/change_stream.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1'000}, kLongestPause{60'000};

}  // namespace

void ChangeStream::start() {
  if (!lists_.any()) return;
  if (auto opened = open(); !opened) session_.remark("changes are not told", opened.error());
}

Result<void> ChangeStream::open() {
  nlohmann::ordered_json filter = nlohmann::ordered_json::object();
  if (lists_.tools) filter["toolsListChanged"] = true;
  if (lists_.prompts) filter["promptsListChanged"] = true;
  if (lists_.resources) filter["resourcesListChanged"] = true;
  std::uint64_t stream = 0;
  std::optional<std::int64_t> old;
  {
    const std::scoped_lock lock(mutex_);
    if (!wanted_.empty()) filter["resourceSubscriptions"] = wanted_;
    stream = ++stream_;
    is_acknowledged_ = false;
    refusal_.reset();
    honoured_.clear();
    old = std::exchange(id_, std::nullopt);
  }
  auto id = session_.begin_stream(
      "subscriptions/listen", {{"notifications", std::move(filter)}},
      {.acknowledged = [this, stream](const nlohmann::ordered_json& honoured) { acknowledged(stream, honoured); },
       .ended = [this, stream](const RequestFailure* failure) { ended(stream, failure); }});
  // The old one ends after the new one has begun, so that nothing is missed between them.
  if (old) session_.end_stream(*old);
  if (!id) return std::unexpected(std::move(id.error()));
  const std::scoped_lock lock(mutex_);
  if (stream == stream_) id_ = *id;
  return {};
}

void ChangeStream::acknowledged(std::uint64_t stream, const nlohmann::ordered_json& honoured) {
  bool had_gap = false;
  {
    const std::scoped_lock lock(mutex_);
    if (stream != stream_) return;
    for (const auto& uri : array_member(honoured, "resourceSubscriptions")) {
      if (uri.is_string()) honoured_.insert(uri.get<std::string>());
    }
    is_acknowledged_ = true;
    pause_ = kFirstPause;
    had_gap = std::exchange(had_gap_, false);
    changed_.notify_all();
  }
  if (had_gap) tell_all();
}

void ChangeStream::tell_all() const {
  if (lists_.tools) session_.events().changed(EventThread::Change::Tools);
  if (lists_.prompts) session_.events().changed(EventThread::Change::Prompts);
  if (lists_.resources) session_.events().changed(EventThread::Change::Resources);
}

void ChangeStream::ended(std::uint64_t stream, const RequestFailure* failure) {
  using End = RequestFailure::End;
  std::chrono::milliseconds pause{};
  {
    const std::scoped_lock lock(mutex_);
    if (stream != stream_) return;
    id_.reset();
    had_gap_ = true;
    if (failure != nullptr) refusal_ = failure->error;
    pause = std::exchange(pause_, std::min(pause_ * 2, kLongestPause));
    changed_.notify_all();
  }
  if (failure != nullptr) {
    if (failure->end == End::Cancelled || failure->end == End::Ended) return;
    if (failure->end == End::Refused) return session_.remark("changes are not told", failure->error);
  }
  session_.events().after(pause, [this, stream](const std::stop_token&) {
    {
      const std::scoped_lock lock(mutex_);
      if (stream != stream_) return;  // somebody else has opened one
    }
    if (auto opened = open(); !opened) session_.remark("changes are not told", opened.error());
  });
}

Result<void> ChangeStream::add(const std::string& uri, std::chrono::milliseconds limit, const std::stop_token& stop) {
  {
    const std::scoped_lock lock(mutex_);
    if (!wanted_.insert(uri).second && honoured_.contains(uri)) return {};
  }
  if (auto opened = open(); !opened) return opened;
  std::unique_lock lock(mutex_);
  const bool is_settled = changed_.wait_for(lock, stop, limit, [&] { return is_acknowledged_ || refusal_; });
  if (is_acknowledged_ && honoured_.contains(uri)) return {};
  wanted_.erase(uri);
  if (is_settled && refusal_) return std::unexpected(*refusal_);
  lock.unlock();
  if (stop.stop_requested()) return std::unexpected(session_.named({ErrorCode::Cancelled, "cancelled"}));
  if (!is_settled) return std::unexpected(session_.named({ErrorCode::TimedOut, "no answer to 'subscriptions/listen'"}));
  return std::unexpected(
      session_.named({ErrorCode::InvalidArgument, std::format("it does not tell of changes of '{}'", uri)}));
}

}  // namespace llama::internal
