// Let each session have one reply at a time.
//
// Threads  any number at once.
#pragma once

#include <format>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "llama-base/error.h"

namespace llama::internal {

class SessionLeases {
 public:
  // The session is taken until the last copy of what is returned is gone.
  //
  // Errors   Busy: it is taken already.
  [[nodiscard]] Result<std::shared_ptr<void>> take(const std::string& id) {
    auto lease = std::make_shared<Lease>(taken_);
    const std::scoped_lock lock(taken_->mutex);
    const auto [place, is_new] = taken_->ids.insert(id);
    if (!is_new) return fail(ErrorCode::Busy, std::format("session '{}' has a reply under way", id));
    lease->place = place;
    lease->is_held = true;
    return lease;
  }

 private:
  struct Taken {
    std::mutex mutex;
    std::set<std::string, std::less<>> ids;
  };
  struct Lease {
    explicit Lease(std::shared_ptr<Taken> all) : taken(std::move(all)) {}
    ~Lease() {
      if (!is_held) return;
      const std::scoped_lock lock(taken->mutex);
      taken->ids.erase(place);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    std::shared_ptr<Taken> taken;
    std::set<std::string, std::less<>>::iterator place{};
    bool is_held = false;
  };
  std::shared_ptr<Taken> taken_ = std::make_shared<Taken>();
};

}  // namespace llama::internal
