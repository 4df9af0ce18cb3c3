#include "llama-mcp/mcp_servers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <format>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace llama {
namespace {

using ServersClock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kFirstPause{1'000}, kLongestPause{60'000};
// So a server that says nothing takes a tenth of the time of whoever needs the others.
constexpr int kPausePerAttempt = 10;
// A server that ends sooner than this after its start is one that cannot be started.
constexpr std::chrono::seconds kSoundLife{10};

}  // namespace

struct McpServers::State {
  struct Entry {
    McpServerConfig config;
    mutable std::mutex mutex{};
    std::condition_variable_any changed{};
    std::shared_ptr<McpClient> client{};
    bool is_starting = false;
    std::int32_t starts = 0;
    ServersClock::time_point started{}, next_start{};
    std::chrono::milliseconds pause{kFirstPause};
    std::optional<Error> failure{};
    std::optional<std::vector<McpTool>> tools{};
    std::uint64_t tool_changes = 0;
  };

  std::vector<std::unique_ptr<Entry>> entries;
  McpServersHandlers handlers;
  McpClientOptions options;
  std::stop_source closing;

  [[nodiscard]] Entry* find(std::string_view name) const {
    const auto found = std::ranges::find_if(entries, [&](const auto& entry) { return entry->config.name == name; });
    return found == entries.end() ? nullptr : found->get();
  }
  [[nodiscard]] McpHandlers handlers_of(Entry& entry) const;
  [[nodiscard]] Result<std::shared_ptr<McpClient>> client(Entry& entry, const std::stop_token& stop) const;
  [[nodiscard]] Result<std::shared_ptr<McpClient>> start(Entry& entry, std::unique_lock<std::mutex>& lock,
                                                         const std::stop_token& stop) const;
  [[nodiscard]] Result<std::vector<McpTool>> tools(Entry& entry, const std::stop_token& stop) const;
};

McpHandlers McpServers::State::handlers_of(Entry& entry) const {
  McpHandlers made;
  const std::string name = entry.config.name;
  made.tools_changed = [this, name, &entry] {
    {
      const std::scoped_lock lock(entry.mutex);
      ++entry.tool_changes;
      entry.tools.reset();
    }
    if (handlers.tools_changed) handlers.tools_changed(name);
  };
  if (handlers.log) made.log = [this, name](const McpLogLine& line) { handlers.log(name, line); };
  if (handlers.ask) {
    made.ask = [this, name](const McpQuestion& question, const std::stop_token& stop) {
      return handlers.ask(name, question, stop);
    };
  }
  return made;
}

// One thread starts a server, others that need it wait. Nobody holds the lock meanwhile.
Result<std::shared_ptr<McpClient>> McpServers::State::client(Entry& entry, const std::stop_token& stop) const {
  std::unique_lock lock(entry.mutex);
  entry.changed.wait(lock, stop, [&] { return !entry.is_starting; });
  if (stop.stop_requested() || closing.stop_requested()) {
    return fail(ErrorCode::Cancelled, std::format("server '{}': cancelled", entry.config.name));
  }
  if (entry.is_starting) return fail(ErrorCode::Busy, std::format("server '{}' is being started", entry.config.name));
  if (entry.client) {
    const McpHealth health = entry.client->health();
    if (health.state == McpState::Connected) return entry.client;
    entry.failure = Error{ErrorCode::Network, health.reason};
    const auto now = ServersClock::now();
    if (now - entry.started < kSoundLife) {
      entry.next_start = now + std::exchange(entry.pause, std::min(entry.pause * 2, kLongestPause));
    } else {
      entry.pause = kFirstPause;
    }
  }
  return start(entry, lock, stop);
}

Result<std::shared_ptr<McpClient>> McpServers::State::start(Entry& entry, std::unique_lock<std::mutex>& lock,
                                                            const std::stop_token& stop) const {
  std::shared_ptr<McpClient> ended = std::exchange(entry.client, nullptr);
  entry.tools.reset();
  const auto rest = std::chrono::ceil<std::chrono::seconds>(entry.next_start - ServersClock::now());
  if (entry.failure && rest.count() > 0) {
    Error error = *entry.failure;
    error.message += std::format("; it is started again in {} s at the earliest", rest.count());
    lock.unlock();
    ended.reset();
    return std::unexpected(std::move(error));
  }
  entry.is_starting = true;
  lock.unlock();
  ended.reset();  // with what is left of it
  const auto began = ServersClock::now();
  std::stop_source either;
  const auto end = [&] { either.request_stop(); };
  Result<std::unique_ptr<McpClient>> made = fail(ErrorCode::Cancelled, "");
  {
    const std::stop_callback on_stop(stop, end), on_close(closing.get_token(), end);
    made = McpClient::connect(entry.config, handlers_of(entry), options, either.get_token());
  }
  lock.lock();
  entry.is_starting = false;
  entry.changed.notify_all();
  ++entry.starts;
  if (!made) {
    // That somebody gave up waiting says nothing of the server.
    if (made.error().code != ErrorCode::Cancelled) {
      entry.failure = made.error();
      const auto now = ServersClock::now();
      const ServersClock::duration pause = std::exchange(entry.pause, std::min(entry.pause * 2, kLongestPause));
      entry.next_start = now + std::max(pause, kPausePerAttempt * (now - began));
    }
    return std::unexpected(std::move(made.error()));
  }
  entry.failure.reset();
  entry.started = ServersClock::now();
  entry.client = std::move(*made);
  if (closing.stop_requested()) entry.client->close();
  return entry.client;
}

Result<std::vector<McpTool>> McpServers::State::tools(Entry& entry, const std::stop_token& stop) const {
  auto found = client(entry, stop);
  if (!found) return std::unexpected(std::move(found.error()));
  std::uint64_t changes = 0;
  {
    const std::scoped_lock lock(entry.mutex);
    if (entry.tools) return *entry.tools;
    changes = entry.tool_changes;
  }
  auto listed = (*found)->list_tools(stop);
  if (!listed) return listed;
  const std::scoped_lock lock(entry.mutex);
  // What changed while it was listed is listed again the next time.
  if (entry.client == *found && entry.tool_changes == changes) entry.tools = *listed;
  return listed;
}

McpServers::McpServers(std::unique_ptr<State> state) : state_(std::move(state)) {}
McpServers::~McpServers() { close(); }

Result<std::unique_ptr<McpServers>> McpServers::create(std::vector<McpServerConfig> servers,
                                                       McpServersHandlers handlers, const McpClientOptions& options) {
  auto state = std::make_unique<State>();
  for (auto& config : servers) {
    if (auto sound = check(config); !sound) return std::unexpected(std::move(sound.error()));
    if (config.is_disabled) continue;
    if (state->find(config.name) != nullptr) {
      return fail(ErrorCode::InvalidArgument, std::format("two servers are called '{}'", config.name));
    }
    state->entries.push_back(std::make_unique<State::Entry>(std::move(config)));
  }
  state->handlers = std::move(handlers);
  state->options = options;
  return std::unique_ptr<McpServers>(new McpServers(std::move(state)));
}

std::vector<std::string> McpServers::names() const {
  std::vector<std::string> names;
  for (const auto& entry : state_->entries) names.push_back(entry->config.name);
  return names;
}

McpToolList McpServers::list_tools(const std::stop_token& stop) {
  const std::size_t count = state_->entries.size();
  std::vector<Result<std::vector<McpTool>>> listed(count);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] { listed[i] = state_->tools(*state_->entries[i], stop); });
    }
  }
  McpToolList list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = state_->entries[i]->config.name;
    if (!listed[i]) {
      list.failures.push_back({name, std::move(listed[i].error())});
      continue;
    }
    for (auto& tool : *listed[i]) list.tools.push_back({name, std::move(tool)});
  }
  return list;
}

Result<std::shared_ptr<McpClient>> McpServers::client(std::string_view server, const std::stop_token& stop) {
  State::Entry* entry = state_->find(server);
  if (entry != nullptr) return state_->client(*entry, stop);
  std::string known;
  for (const auto& each : names()) known += (known.empty() ? "" : ", ") + each;
  return fail(ErrorCode::NotFound,
              std::format("no server is called '{}'; there are: {}", server, known.empty() ? "none" : known));
}

Result<McpToolResult> McpServers::call_tool(std::string_view server, std::string_view tool, std::string_view arguments,
                                            const McpCallOptions& options, const std::stop_token& stop) {
  auto found = client(server, stop);
  if (!found) return std::unexpected(std::move(found.error()));
  return (*found)->call_tool(tool, arguments, options, stop);
}

std::vector<McpServerHealth> McpServers::health() const {
  std::vector<McpServerHealth> all;
  for (const auto& entry : state_->entries) {
    const std::scoped_lock lock(entry->mutex);
    McpServerHealth health{
        .server = entry->config.name, .is_started = entry->client != nullptr, .starts = entry->starts};
    if (entry->client) {
      health.health = entry->client->health();
      health.info = entry->client->info();
    } else {
      health.health.state = McpState::Ended;
      if (entry->failure) health.health.reason = entry->failure->message;
    }
    all.push_back(std::move(health));
  }
  return all;
}

void McpServers::close() {
  state_->closing.request_stop();
  std::vector<std::jthread> threads;  // each may take its time limits: side by side
  for (const auto& entry : state_->entries) {
    std::unique_lock lock(entry->mutex);
    entry->changed.wait(lock, [&] { return !entry->is_starting; });
    if (entry->client) threads.emplace_back([client = entry->client] { client->close(); });
  }
}

}  // namespace llama
