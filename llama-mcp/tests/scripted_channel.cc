#include "scripted_channel.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llama::internal {

void ScriptedServer::push(Event event) {
  const std::scoped_lock lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void ScriptedServer::say(const std::string& text) {
  push([text](ChannelReceiver& receiver) { receiver.message(text); });
}

void ScriptedServer::fail(const std::string& id, Error error) {
  push([=](ChannelReceiver& receiver) { receiver.failed(id, error); });
}

void ScriptedServer::lose_session(const std::string& id) {
  push([=](ChannelReceiver& receiver) { receiver.session_lost(id); });
}

void ScriptedServer::end(Error error) {
  push([=](ChannelReceiver& receiver) { receiver.ended(error); });
}

std::vector<nlohmann::ordered_json> ScriptedServer::seen(const std::string& method) const {
  const std::scoped_lock lock(mutex_);
  std::vector<nlohmann::ordered_json> found;
  std::ranges::copy_if(seen_, std::back_inserter(found),
                       [&](const auto& each) { return each.value("method", "") == method; });
  return found;
}

std::vector<nlohmann::ordered_json> ScriptedServer::wait_for(const std::string& method, std::size_t count) const {
  for (int i = 0; i < 10'000 && seen(method).size() < count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return seen(method);
}

std::vector<std::string> ScriptedServer::abandoned() const {
  const std::scoped_lock lock(mutex_);
  return abandoned_;
}

std::string ScriptedServer::revision() const {
  const std::scoped_lock lock(mutex_);
  return revision_;
}

Result<void> ScriptedChannel::open(ChannelReceiver& receiver, const std::stop_token& stop) {
  (void)stop;
  {
    const std::scoped_lock lock(server_->mutex_);
    ++server_->opened;
    server_->is_closed_ = false;
    server_->events_.clear();
  }
  thread_ = std::jthread([this, &receiver] {
    std::unique_lock lock(server_->mutex_);
    while (true) {
      server_->changed_.wait(lock, [&] { return server_->is_closed_ || !server_->events_.empty(); });
      if (server_->is_closed_) return;
      const auto event = std::move(server_->events_.front());
      server_->events_.pop_front();
      lock.unlock();
      event(receiver);
      lock.lock();
    }
  });
  return {};
}

Result<void> ScriptedChannel::send(OutgoingMessage message, Deadline deadline, const std::stop_token& stop) {
  (void)deadline, (void)stop;
  const auto sent = nlohmann::ordered_json::parse(message.json);
  std::vector<nlohmann::ordered_json> answers;
  {
    const std::scoped_lock lock(server_->mutex_);
    if (server_->is_closed_) return llama::fail(ErrorCode::Cancelled, "closed");
    server_->seen_.push_back(sent);
  }
  if (sent.contains("method")) answers = server_->script_(sent);
  for (const auto& each : answers) server_->say(each);
  return {};
}

void ScriptedChannel::abandon(std::string_view id) {
  const std::scoped_lock lock(server_->mutex_);
  server_->abandoned_.emplace_back(id);
}

void ScriptedChannel::set_session(std::string_view revision, McpEra era) {
  (void)era;
  const std::scoped_lock lock(server_->mutex_);
  server_->revision_ = revision;
}

void ScriptedChannel::close() {
  {
    const std::scoped_lock lock(server_->mutex_);
    server_->is_closed_ = true;
    server_->changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

nlohmann::ordered_json result_for(const nlohmann::ordered_json& request, nlohmann::ordered_json result) {
  return {{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", std::move(result)}};
}

nlohmann::ordered_json error_for(const nlohmann::ordered_json& request, int code, nlohmann::ordered_json data) {
  nlohmann::ordered_json error{{"code", code}, {"message", "refused"}};
  if (!data.is_null()) error["data"] = std::move(data);
  return {{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"error", std::move(error)}};
}

}  // namespace llama::internal
