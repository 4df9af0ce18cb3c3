#include "llama-base/file_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <format>
#include <system_error>
#include <vector>

#include "llama-base/disk.h"

namespace llama::internal {

Result<Digest> digest_of_file(const std::filesystem::path& file, DigestKind kind,
                              const std::function<void(std::uint64_t)>& on_progress, const std::stop_token& stop) {
  const FileHandle handle(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!handle && errno == ENOENT) return fail(ErrorCode::NotFound, std::format("'{}' is missing", file.string()));
  if (!handle) return disk_error("opened", file, errno);
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (error) return disk_error("read", file, error.value());
  Hasher hasher(kind, size);
  std::vector<std::byte> block(1 << 20);
  for (std::uint64_t done = 0;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "the check was stopped");
    const ssize_t count = ::read(handle.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("read", file, errno);
    if (count == 0) return hasher.finish();
    hasher.update(std::span(block.data(), static_cast<std::size_t>(count)));
    if (on_progress) on_progress(done += static_cast<std::uint64_t>(count));
  }
}

}  // namespace llama::internal
