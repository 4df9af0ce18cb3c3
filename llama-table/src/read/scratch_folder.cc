#include "read/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <string>
#include <system_error>

namespace llama::internal {
namespace {

constexpr int kTries = 10;

std::string scratch_prefix() {
  std::array<char, 256> machine{};
  if (::gethostname(machine.data(), machine.size() - 1) != 0) machine.front() = '\0';
  return std::format("llama-table-{}-{}-", ::getuid(), machine.data());
}

FileHandle open_scratch(const std::filesystem::path& path) {
  return FileHandle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// 0, or errno: EWOULDBLOCK where another holds it.
int lock_scratch(const FileHandle& folder) {
  if (!folder) return ENOENT;
  return ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

// There are file systems on which flock() succeeds and does nothing.
bool excludes_others(const std::filesystem::path& locked) { return lock_scratch(open_scratch(locked)) == EWOULDBLOCK; }

}  // namespace

ScratchFolder ScratchFolder::make() {
  std::error_code ignored;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(ignored);
  return make_in(parent.empty() ? "/tmp" : parent);
}

// Between the making and the locking somebody may take it for one that was left, lock it and remove it.
ScratchFolder ScratchFolder::make_in(const std::filesystem::path& parent) {
  const std::string prefix = scratch_prefix();
  ScratchFolder folder;
  for (int i = 0; i < kTries; ++i) {
    std::string path = (parent / (prefix + "XXXXXX")).string();
    if (::mkdtemp(path.data()) == nullptr) break;
    FileHandle lock = open_scratch(path);
    const int number = lock_scratch(lock);
    std::error_code ignored;
    if (number == EWOULDBLOCK || !std::filesystem::exists(path, ignored)) continue;
    folder.path_ = path;
    folder.is_made_ = true;
    folder.lock_ = std::move(lock);
    static std::atomic<bool> has_looked = false;
    if (number == 0 && !has_looked.exchange(true)) remove_left_scratch(parent);
    return folder;
  }
  folder.path_ = parent / std::format("{}{}", prefix, ::getpid());
  return folder;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (is_made_) std::filesystem::remove_all(path_, ignored);
}

ScratchFolder& ScratchFolder::operator=(ScratchFolder&& other) noexcept {
  path_.swap(other.path_);
  std::swap(lock_, other.lock_);
  std::swap(is_made_, other.is_made_);
  return *this;
}

void remove_left_scratch(const std::filesystem::path& parent) {
  const std::string prefix = scratch_prefix();
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(prefix)) continue;
    const FileHandle folder = open_scratch(entry->path());
    struct stat of_folder{};
    if (!folder || ::fstat(folder.get(), &of_folder) != 0 || of_folder.st_uid != ::getuid()) continue;
    std::error_code ignored;
    if (lock_scratch(folder) == 0 && excludes_others(entry->path()))
      std::filesystem::remove_all(entry->path(), ignored);
  }
}

}  // namespace llama::internal
