// Share among the lanes of a download the address that the hub led one of them to.
//
// A hub redirects to a content server, with a signature in the address that expires after a while. Asking the hub again
// for every piece would be a request more each time; so the address is remembered until it fails once.
// Threads  any number at once.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace llama::internal {

class SignedAddress {
 public:
  explicit SignedAddress(std::string hubs) : hubs_(std::move(hubs)) {}

  // To ask now: the remembered one, else the hub's.
  [[nodiscard]] std::string current() const {
    const std::scoped_lock lock(mutex_);
    return led_to_.empty() ? hubs_ : led_to_;
  }
  void remember(const std::string& url) {
    const std::scoped_lock lock(mutex_);
    if (url != hubs_) led_to_ = url;
  }
  // True where it was a remembered one, so that asking the hub may give a better; another lane may have done that.
  bool forget(const std::string& url) {
    const std::scoped_lock lock(mutex_);
    if (url == hubs_) return false;
    if (led_to_ == url) led_to_.clear();
    return true;
  }

 private:
  mutable std::mutex mutex_;
  std::string hubs_;
  std::string led_to_;
};

}  // namespace llama::internal
