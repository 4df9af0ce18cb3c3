#include "stdio/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <format>
#include <map>
#include <utility>
#include <vector>

#include "stdio/child_environment.h"
#include "stdio/process_session.h"

namespace llama::internal {
namespace {

#if defined(__linux__) && !defined(CLOSE_RANGE_CLOEXEC)
constexpr unsigned CLOSE_RANGE_CLOEXEC = 4;  // linux/close_range.h
#endif
constexpr int kLastPlainDescriptor = 4'096;  // where close_range is missing

std::string words_of(int error) { return std::generic_category().message(error); }

// What the child needs, made before the fork: between fork and exec nothing may be allocated.
struct Start {
  std::string program, folder;
  std::vector<std::string> arguments{}, variables{};
  std::vector<char*> argv{}, envp{};
  int input = -1, output = -1, errors = -1, report = -1;
  pid_t parent = -1;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& each : texts) all.push_back(each.data());
  all.push_back(nullptr);
  return all;
}

struct Report {
  enum class Step : int { Folder, Program };
  Step step;
  int error;
};

// In the child: async-signal-safe calls only.
[[noreturn]] void fail_child(const Start& start, Report::Step step) {
  const Report report{step, errno};
  [[maybe_unused]] const auto written = write(start.report, &report, sizeof report);
  _exit(127);
}

void keep_from_exec() {
#ifdef __linux__
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
#endif
#endif
  for (int each = 3; each < kLastPlainDescriptor; ++each) fcntl(each, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void run_child(const Start& start) {
  setsid();
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != start.parent) _exit(127);  // we were killed in between
#endif
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  for (int each = 1; each < NSIG; ++each) sigaction(each, &plain, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // The pipes' ends are above 2 (make_pipe), so none of these overwrites another.
  dup2(start.input, 0);
  dup2(start.output, 1);
  dup2(start.errors, 2);
  keep_from_exec();
  if (!start.folder.empty() && chdir(start.folder.c_str()) != 0) fail_child(start, Report::Step::Folder);
  execve(start.program.c_str(), start.argv.data(), start.envp.data());
  fail_child(start, Report::Step::Program);
}

Result<Descriptor> above_standard(Descriptor descriptor) {
  if (descriptor.get() > 2) return descriptor;
  const int moved = fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3);
  if (moved < 0) return fail(ErrorCode::Io, std::format("no descriptor: {}", words_of(errno)));
  return Descriptor(moved);
}

Error start_failure(const McpServerConfig& config, const Report& report) {
  if (report.step == Report::Step::Folder) {
    return {ErrorCode::NotFound,
            std::format("its working directory '{}': {}", config.working_directory.string(), words_of(report.error))};
  }
  const auto code = report.error == ENOMEM || report.error == EAGAIN ? ErrorCode::OutOfMemory : ErrorCode::NotFound;
  return {code, std::format("its command '{}' cannot be started: {}", config.command,
                            report.error == ENOEXEC ? "it is no program (a script begins with \"#!\")"
                                                    : words_of(report.error))};
}

// Blocks every signal in this thread for a moment, so that none of our handlers runs in the child.
class SignalPause {
 public:
  SignalPause() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalPause() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalPause(const SignalPause&) = delete;
  SignalPause& operator=(const SignalPause&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

void Descriptor::reset() {
  if (const int number = release(); number >= 0) close(number);
}

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
#ifdef __linux__
  const int made = pipe2(ends, O_CLOEXEC);
#else
  const int made = pipe(ends);
#endif
  if (made != 0) return fail(ErrorCode::Io, std::format("no pipe: {}", words_of(errno)));
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  for (auto* each : {&pipe.read, &pipe.write}) {
    auto moved = above_standard(std::move(*each));
    if (!moved) return std::unexpected(std::move(moved.error()));
    *each = std::move(*moved);
    fcntl(each->get(), F_SETFD, FD_CLOEXEC);
  }
  return pipe;
}

void set_non_blocking(const Descriptor& descriptor) {
  const int flags = fcntl(descriptor.get(), F_GETFL);
  fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK);
}

Result<ChildProcess> ChildProcess::start(const McpServerConfig& config) {
  const auto environment = child_environment(config);
  auto program = find_program(config, environment);
  if (!program) return std::unexpected(std::move(program.error()));
  Start start{.program = program->string(), .folder = config.working_directory.string(), .parent = getpid()};
  start.arguments = {config.command};
  start.arguments.insert(start.arguments.end(), config.args.begin(), config.args.end());
  for (const auto& [name, value] : environment) start.variables.push_back(std::format("{}={}", name, value));
  start.argv = pointers(start.arguments);
  start.envp = pointers(start.variables);

  auto input = make_pipe(), output = make_pipe(), errors = make_pipe(), report = make_pipe();
  for (auto* each : {&input, &output, &errors, &report}) {
    if (!*each) return std::unexpected(std::move(each->error()));
  }
  start.input = input->read.get();
  start.output = output->write.get();
  start.errors = errors->write.get();
  start.report = report->write.get();

  pid_t pid = -1;
  {
    const SignalPause pause;
    pid = fork();
    if (pid == 0) run_child(start);
  }
  if (pid < 0) return fail(ErrorCode::Io, std::format("no process: {}", words_of(errno)));
  ChildProcess child(pid);
  report->write.reset();
  Report failure{};
  ssize_t got = 0;
  do got = read(report->read.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (std::cmp_equal(got, sizeof failure)) return std::unexpected(start_failure(config, failure));
  child.input = std::move(input->write);
  child.output = std::move(output->read);
  child.errors = std::move(errors->read);
  for (const auto* each : {&child.input, &child.output, &child.errors}) set_non_blocking(*each);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : input(std::move(other.input)),
      output(std::move(other.output)),
      errors(std::move(other.errors)),
      pid_(std::exchange(other.pid_, -1)) {}

ChildProcess::~ChildProcess() { finish(); }

std::optional<std::string> ChildProcess::end() const {
  siginfo_t info{};
  if (pid_ < 0 || waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return "an unknown end";
  if (info.si_pid == 0) return {};
  if (info.si_code == CLD_EXITED) return std::format("exit status {}", info.si_status);
  return std::format("signal {} ({})", info.si_status, strsignal(info.si_status));
}

void ChildProcess::signal_group(int signal) const {
  if (pid_ > 0) kill(-pid_, signal);
}

Descriptor ChildProcess::end_notice() const {
#if defined(__linux__) && defined(SYS_pidfd_open)
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));  // closed on exec by itself
#else
  return {};
#endif
}

void ChildProcess::finish() {
  if (pid_ < 0) return;
  // The leader has called setsid() by now, unless it was never run: then it is killed by its own number.
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  kill_session(pid_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace llama::internal
