#include "llama-base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <format>
#include <string>

#include "llama-base/pause.h"

namespace llama::internal {
namespace {

constexpr std::chrono::milliseconds kLook{100};

bool is_busy(int number) { return number == EWOULDBLOCK || number == EAGAIN || number == EACCES; }

// 0, or errno.
int set_lock(int descriptor, FileLock::Kind kind, LockMechanism mechanism) {
  const bool shared = kind == FileLock::Kind::Shared;
  if (mechanism == LockMechanism::None) return 0;
  if (mechanism == LockMechanism::Flock) {
    return ::flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? 0 : errno;
  }
#ifdef F_OFD_SETLK
  struct flock whole{};
  whole.l_type = static_cast<short>(shared ? F_RDLCK : F_WRLCK);
  whole.l_whence = SEEK_SET;
  return ::fcntl(descriptor, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
#else
  return ENOTSUP;
#endif
}

bool excludes(const std::string& path, LockMechanism mechanism) {
  const FileHandle first(::open(path.c_str(), O_RDWR | O_CLOEXEC)), second(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return first && second && set_lock(first.get(), FileLock::Kind::Exclusive, mechanism) == 0 &&
         is_busy(set_lock(second.get(), FileLock::Kind::Exclusive, mechanism));
}

// Who holds an exclusive lock leaves its number; for messages only.
void leave_number(int descriptor) {
  const std::string text = std::format("{:<12}\n", ::getpid());
  (void)::pwrite(descriptor, text.data(), text.size(), 0);
}
long read_number(const std::filesystem::path& path) {
  return std::strtol(read_small_file(path, 64).c_str(), nullptr, 10);
}

}  // namespace

LockMechanism probe_locks(const std::filesystem::path& folder) {
  std::string path = (folder / "probe-XXXXXX").string();
  const FileHandle file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return LockMechanism::None;
  LockMechanism found = LockMechanism::None;
  for (const LockMechanism mechanism : {LockMechanism::OpenFile, LockMechanism::Flock}) {
    if (excludes(path, mechanism)) found = mechanism;
  }
  ::unlink(path.c_str());
  return found;
}

Result<std::optional<FileLock>> FileLock::try_lock(const std::filesystem::path& path, Kind kind,
                                                   LockMechanism mechanism) {
  FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file && kind == Kind::Shared)
    file = FileHandle(::open(path.c_str(), O_RDONLY | O_CLOEXEC));  // a read-only cache
  if (!file) {
    if (mechanism == LockMechanism::None) return FileLock(FileHandle(), mechanism);
    return disk_error("opened", path, errno);
  }
  const int number = set_lock(file.get(), kind, mechanism);
  if (is_busy(number)) return std::nullopt;
  if (number != 0) return disk_error("locked", path, number);
  if (kind == Kind::Exclusive) leave_number(file.get());
  return FileLock(std::move(file), mechanism);
}

Result<FileLock> FileLock::lock(const std::filesystem::path& path, Kind kind, LockMechanism mechanism,
                                const std::function<void(long)>& on_wait, const std::stop_token& stop) {
  for (long told = -1;;) {
    auto attempt = try_lock(path, kind, mechanism);
    if (!attempt) return std::unexpected(attempt.error());
    if (*attempt) return std::move(**attempt);
    if (const long holder = read_number(path); holder != told) {
      told = holder;
      if (on_wait) on_wait(holder);
    }
    if (!pause(kLook, stop)) return fail(ErrorCode::Cancelled, "waiting for another process was stopped");
  }
}

void FileLock::share() {
  if (file_) (void)set_lock(file_.get(), Kind::Shared, mechanism_);
}

}  // namespace llama::internal
