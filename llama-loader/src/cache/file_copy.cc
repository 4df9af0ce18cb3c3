#include "cache/file_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <vector>

#include "llama-base/disk.h"

namespace llama::internal {
namespace {

constexpr std::size_t kStep = 4 << 20;  // bytes between two looks at the stop

Result<void> copy_bytes(const std::filesystem::path& from, const std::filesystem::path& to,
                        const std::stop_token& stop) {
  const FileHandle source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return disk_error("opened", from, errno);
  const FileHandle target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!target) return disk_error("created", to, errno);
  std::vector<char> block(kStep);
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "copying a model was stopped");
    const ssize_t count = ::read(source.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("read", from, errno);
    if (count == 0) break;
    for (std::span left(block.data(), static_cast<std::size_t>(count)); !left.empty();) {
      const ssize_t written = ::write(target.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return disk_error("written", to, errno);
      left = left.subspan(static_cast<std::size_t>(written));
    }
  }
  return ::fsync(target.get()) == 0 ? Result<void>() : disk_error("synced", to, errno);
}

}  // namespace

Result<void> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       const std::stop_token& stop) {
  auto copied = copy_bytes(from, to, stop);
  if (!copied) ::unlink(to.c_str());
  return copied;
}

Result<void> link_or_copy(const std::filesystem::path& from, const std::filesystem::path& to,
                          const std::stop_token& stop) {
  // Of a symbolic link, what it leads to: a relative one would lead nowhere from another folder.
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  return copy_file(from, to, stop);
}

}  // namespace llama::internal
