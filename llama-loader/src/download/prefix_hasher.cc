#include "download/prefix_hasher.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace llama::internal {
namespace {

constexpr std::size_t kBlock = 256 << 10;  // fits a core's own cache

}  // namespace

struct PrefixHasher::State {
  const PartialFile& file;
  Hasher hasher;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::uint64_t prefix = 0;
  std::atomic<std::uint64_t> hashed = 0;
  Result<void> outcome{};
  std::jthread thread;

  State(const PartialFile& f, DigestKind kind) : file(f), hasher(kind, f.size_bytes()) {}

  void run(const std::stop_token& stop) {
    std::vector<std::byte> block(kBlock);
    while (hashed < file.size_bytes()) {
      std::uint64_t end = 0;
      {
        std::unique_lock lock(mutex);
        if (!changed.wait(lock, stop, [&] { return prefix > hashed; })) return;
        end = prefix;
      }
      while (hashed < end && !stop.stop_requested()) {
        const std::span bytes(block.data(), std::min<std::uint64_t>(kBlock, end - hashed));
        if (auto read = file.read(hashed, bytes); !read) {
          outcome = std::unexpected(read.error());
          return;
        }
        hasher.update(bytes);
        hashed += bytes.size();
      }
      if (stop.stop_requested()) return;
    }
  }
};

PrefixHasher::PrefixHasher(const PartialFile& file, DigestKind kind) : state_(std::make_unique<State>(file, kind)) {
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
}
PrefixHasher::~PrefixHasher() = default;
PrefixHasher::PrefixHasher(PrefixHasher&&) noexcept = default;
PrefixHasher& PrefixHasher::operator=(PrefixHasher&&) noexcept = default;

void PrefixHasher::advance(std::uint64_t prefix) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->prefix = std::max(state_->prefix, prefix);
  }
  state_->changed.notify_all();
}

std::uint64_t PrefixHasher::hashed() const { return state_->hashed; }

Result<Digest> PrefixHasher::finish(const std::stop_token& stop) {
  advance(state_->file.size_bytes());
  {
    const std::stop_callback forward(stop, [this] { state_->thread.request_stop(); });
    if (state_->thread.joinable()) state_->thread.join();
  }
  if (!state_->outcome) return std::unexpected(state_->outcome.error());
  if (state_->hashed < state_->file.size_bytes()) return fail(ErrorCode::Cancelled, "computing a digest was stopped");
  return state_->hasher.finish();
}

}  // namespace llama::internal
