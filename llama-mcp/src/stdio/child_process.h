// A child process with three pipes and a session of its own, of which nothing survives.
//
// It leads a new session, hence a process group: it has no terminal, Ctrl-C does not reach it, and a signal to the
// group reaches what it started (package runners start a program that starts the server). No descriptor of ours but the
// pipes is open in it; its signals are as they are in a shell. Where Linux is asked to (PR_SET_PDEATHSIG), it is
// terminated when the thread that started it ends, which covers that we are killed: so it must be started by a thread
// that lives as long as it. The leader is reaped only after the group has been killed, since a group's number is free
// once its leader is.
// Cost     one fork: the kernel copies page tables, a few ms in a process with gigabytes.
// Errors   NotFound (no such command, no such working directory), Io (no more processes or descriptors).
// Threads  one, but the signals.
// Source   fork(2), setsid(2), prctl(2), close_range(2), waitid(2).
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include "llama-base/error.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

// A descriptor that is closed with it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(), number_ = other.release();
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset();

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor read, write;
};

// Closed on exec.
// Errors   Io.
[[nodiscard]] Result<Pipe> make_pipe();
void set_non_blocking(const Descriptor& descriptor);

class ChildProcess {
 public:
  [[nodiscard]] static Result<ChildProcess> start(const McpServerConfig& config);
  ~ChildProcess();  // kills the group
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Our ends, non-blocking.
  Descriptor input, output, errors;

  // How it ended, or nothing: "exit status 3", "signal 9 (Killed)". It is not reaped by this.
  [[nodiscard]] std::optional<std::string> end() const;
  void signal_group(int signal) const;
  // Readable once it has ended; not open where the system has no such thing (before Linux 5.3), so that end() is to be
  // asked now and then.
  [[nodiscard]] Descriptor end_notice() const;
  // Kills what is left of the group, and reaps the leader.
  void finish();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

}  // namespace llama::internal
