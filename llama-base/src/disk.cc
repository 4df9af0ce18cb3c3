#include "llama-base/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <format>
#include <fstream>
#include <system_error>

#include "llama-base/atomic_file.h"

namespace llama::internal {
namespace {

constexpr std::size_t kFirstRead = 16 << 10;  // bytes

}  // namespace

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::unexpected<Error> disk_error(std::string_view what, const std::filesystem::path& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return fail(full ? ErrorCode::NoSpace : ErrorCode::Io,
              std::format("'{}' cannot be {}: {}", path.string(), what, std::generic_category().message(number)));
}

Result<void> make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return disk_error("created", folder, error.value());
  return {};
}

Result<void> sync_file(const std::filesystem::path& path) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return disk_error("opened", path, errno);
  // Some file systems cannot sync a folder, and say EINVAL.
  if (::fsync(file.get()) != 0 && errno != EINVAL) return disk_error("written", path, errno);
  return {};
}

Result<void> rename_over(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return disk_error("put in place", to, errno);
  return sync_file(to.has_parent_path() ? to.parent_path() : ".");
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view content, ReplaceOptions options) {
  auto file = AtomicFile::create(path, {.mode = options.mode, .is_durable = options.is_durable});
  if (!file) return std::unexpected(file.error());
  if (auto written = file->write(content); !written) return written;
  return file->commit();
}

std::uint64_t free_space(const std::filesystem::path& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  return error ? UINT64_MAX : static_cast<std::uint64_t>(space.available);
}

std::string read_small_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string content;
  // The system's own files have no size to go by; and what may be large is mostly small.
  for (std::size_t step = kFirstRead; file && content.size() <= max_bytes; step = content.size()) {
    const std::size_t before = content.size();
    content.resize(before + std::min(step, max_bytes + 1 - before));
    file.read(content.data() + before, static_cast<std::streamsize>(content.size() - before));
    content.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (content.size() > max_bytes) content.clear();
  return content;
}

}  // namespace llama::internal
