// Stand between a program and its files: tell what it does to them, kill it there, or fill the disk.
//
// Loaded by LD_PRELOAD. An event is a call that changes a file whose path begins with FILE_EVENTS_FOLDER and contains
// FILE_EVENTS_NAME, of the kind FILE_EVENTS_KIND (create, write, sync, truncate, name, remove, folder; any). Event
// number FILE_EVENTS_AT, counted from 1, and FILE_EVENTS_DO say what happens:
//   kill   the process ends by SIGKILL before the call is made
//   full   this call and each of the kinds that need room fails from then on, as on a full disk
// Without FILE_EVENTS_AT each event is a line of FILE_EVENTS_LOG: "kind path".
// Source   what libc calls by itself cannot be seen: std::filesystem::remove() calls ::remove(), which is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Plan {
  std::string folder{variable("FILE_EVENTS_FOLDER")}, name{variable("FILE_EVENTS_NAME")},
      kind{variable("FILE_EVENTS_KIND")}, log{variable("FILE_EVENTS_LOG")};
  bool fills = variable("FILE_EVENTS_DO") == "full";
  long at = std::strtol(std::string(variable("FILE_EVENTS_AT")).c_str(), nullptr, 10);
};

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int descriptor) {
  std::array<char, 4096> path{};
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, path.data(), path.size());
  return length < 0 ? "" : std::string(path.data(), static_cast<std::size_t>(length));
}

std::string whole(const char* path) {
  if (path == nullptr) return "";
  if (*path == '/') return path;
  std::array<char, 4096> folder{};
  return ::getcwd(folder.data(), folder.size()) == nullptr ? path : std::string(folder.data()) + "/" + path;
}

// False: the call is to fail, and errno is set.
bool may_happen(std::string_view kind, const std::string& path) {
  static const Plan kPlan;
  static std::atomic<long> count = 0;
  thread_local bool is_inside = false;
  if (is_inside || kPlan.folder.empty() || !path.starts_with(kPlan.folder) || !path.contains(kPlan.name)) return true;
  if (!kPlan.kind.empty() && kPlan.kind != "any" && kPlan.kind != kind) return true;
  is_inside = true;
  const long number = ++count;
  if (kPlan.at == 0) {
    if (const int log = ::open(kPlan.log.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0666); log >= 0) {
      const std::string line = std::string(kind) + " " + path + "\n";
      static_cast<void>(!next<ssize_t(int, const void*, size_t)>("write")(log, line.data(), line.size()));
      ::close(log);
    }
  }
  is_inside = false;
  if (kPlan.at == 0 || number < kPlan.at) return true;
  if (!kPlan.fills) ::kill(::getpid(), SIGKILL);
  if (kind == "remove" || kind == "sync" || kind == "truncate") return true;
  errno = ENOSPC;
  return false;
}

mode_t mode_of(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  if ((flags & O_CREAT) != 0 && ::access(path, F_OK) != 0 && !may_happen("create", whole(path))) return -1;
  return next<int(const char*, int, ...)>("open")(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  if ((flags & O_CREAT) != 0 && ::access(path, F_OK) != 0 && !may_happen("create", whole(path))) return -1;
  return next<int(const char*, int, ...)>("open64")(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (!may_happen("write", path_of(descriptor))) return -1;
  return next<ssize_t(int, const void*, size_t)>("write")(descriptor, bytes, size);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t at) {
  if (!may_happen("write", path_of(descriptor))) return -1;
  return next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(descriptor, bytes, size, at);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t at) {
  if (!may_happen("write", path_of(descriptor))) return -1;
  return next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64")(descriptor, bytes, size, at);
}

int fsync(int descriptor) {
  if (!may_happen("sync", path_of(descriptor))) return -1;
  return next<int(int)>("fsync")(descriptor);
}

int fdatasync(int descriptor) {
  if (!may_happen("sync", path_of(descriptor))) return -1;
  return next<int(int)>("fdatasync")(descriptor);
}

int ftruncate(int descriptor, off_t size) {
  if (!may_happen("truncate", path_of(descriptor))) return -1;
  return next<int(int, off_t)>("ftruncate")(descriptor, size);
}

int ftruncate64(int descriptor, off64_t size) {
  if (!may_happen("truncate", path_of(descriptor))) return -1;
  return next<int(int, off64_t)>("ftruncate64")(descriptor, size);
}

int link(const char* from, const char* to) {
  if (!may_happen("name", whole(to))) return -1;
  return next<int(const char*, const char*)>("link")(from, to);
}

int rename(const char* from, const char* to) {
  if (!may_happen("name", whole(to))) return -1;
  return next<int(const char*, const char*)>("rename")(from, to);
}

int unlink(const char* path) {
  if (!may_happen("remove", whole(path))) return -1;
  return next<int(const char*)>("unlink")(path);
}

int remove(const char* path) {
  if (!may_happen("remove", whole(path))) return -1;
  return next<int(const char*)>("remove")(path);
}

int mkdir(const char* path, mode_t mode) {
  if (!may_happen("folder", whole(path))) return -1;
  return next<int(const char*, mode_t)>("mkdir")(path, mode);
}
}
