#include "interrupt.h"

#include <pthread.h>
#include <unistd.h>
#include <csignal>

namespace llama {
namespace {

// What the caller has us ignore, as nohup has SIGHUP, stays ignored: Linux hands over even that where it is blocked.
sigset_t interrupting_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is a write error
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file-size limit
  const sigset_t set = interrupting_signals();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  thread_ = std::thread([this, set] {
    for (int signal = 0; sigwait(&set, &signal) == 0;) {
      if (over_) return;
      if (signal == SIGUSR2) continue;  // only the destructor means something by it
      on_signal(signal);
    }
  });
}

Interrupt::~Interrupt() {
  over_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
  // Whatever comes now ends the program as if nobody had listened; but one that ends by a signal has its status
  // already, and a second one must not change it.
  if (signal_ == 0) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupt::on_signal(int signal) {
  if (signal_.exchange(signal) != 0) ::_exit(128 + signal);
  std::stop_source source;
  {
    const std::scoped_lock lock(mutex_);
    source = source_;
  }
  source.request_stop();  // its callbacks may take their time
}

std::stop_token Interrupt::token() const {
  const std::scoped_lock lock(mutex_);
  return source_.get_token();
}

void Interrupt::forgive() {
  const std::scoped_lock lock(mutex_);
  int expected = SIGINT;
  if (signal_.compare_exchange_strong(expected, 0)) source_ = std::stop_source();
}

}  // namespace llama
