#include "index/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <format>
#include <span>

#include "llama-base/digest.h"
#include "llama-base/disk.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kEdgeBytes = 64 << 10;

// An index keeps names as JSON, which has no bytes that are not UTF-8: what is compared has none either.
std::string readable_name(const std::string& name) {
  if (is_utf8(name)) return name;
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    const Decoded next = decode(name, at);
    std::array<char, 4> bytes{};
    out.append(bytes.data(), encode(next.character, bytes.data()));
    at += next.length;
  }
  return out;
}

// The folder that all files lie in.
fs::path common_folder(const std::vector<TableFilePart>& files) {
  fs::path folder = fs::path(files.front().path).parent_path();
  for (const TableFilePart& file : files) {
    const fs::path other = fs::path(file.path).parent_path();
    const auto end = std::ranges::mismatch(folder, other).in1;
    fs::path common;
    for (auto at = folder.begin(); at != end; ++at) common /= *at;
    folder = common;
  }
  return folder;
}

Result<void> update_from(Hasher& hasher, const FileHandle& file, const fs::path& path, std::uint64_t begin,
                         std::uint64_t end) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(end - begin));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_error("read", path, errno);
    if (got == 0) break;  // it is shorter now: the digest is another one
    done += static_cast<std::size_t>(got);
  }
  hasher.update(bytes);
  return {};
}

// The time in nanoseconds; macOS has another name for it.
std::int64_t modified(const struct stat& status) {
#if defined(__APPLE__)
  const timespec& time = status.st_mtimespec;
#else
  const timespec& time = status.st_mtim;
#endif
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Result<IdentityPart> part_of(const fs::path& path, const fs::path& folder) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return disk_error("read", path, errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  Hasher hasher(DigestKind::Sha256, 0);
  const std::uint64_t head = std::min(size, kEdgeBytes);
  if (auto done = update_from(hasher, file, path, 0, head); !done) return std::unexpected(done.error());
  if (auto done = update_from(hasher, file, path, std::max(head, size - head), size); !done)
    return std::unexpected(done.error());
  return IdentityPart{.name = readable_name(folder.empty() ? path.string() : path.lexically_relative(folder).string()),
                      .size_bytes = size,
                      .modified_ns = modified(status),
                      .digest = hasher.finish().hex};
}

}  // namespace

Result<FileIdentity> FileIdentity::of(const VectorFile& file) {
  const VectorTable& table = file.table();
  FileIdentity identity{.column = readable_name(table.vectors().name),
                        .rows = table.rows(),
                        .dimension = static_cast<std::uint64_t>(file.dimension()),
                        .files = {}};
  const fs::path folder = common_folder(table.files());
  for (const TableFilePart& each : table.files()) {
    auto part = part_of(each.path, folder);
    if (!part) return std::unexpected(part.error());
    identity.files.push_back(std::move(*part));
  }
  return identity;
}

std::string FileIdentity::difference(const FileIdentity& now) const {
  if (column != now.column) return "is of another column";
  // Both are in the order of their names.
  const auto [mine, other] = std::ranges::mismatch(files, now.files);
  const bool is_last = mine == files.end();
  if (!is_last && other != now.files.end() && mine->name == other->name)
    return std::format("is of '{}' as it was before", mine->name);
  if (!is_last && (other == now.files.end() || mine->name < other->name)) return "is also of a file that is not here";
  if (other != now.files.end()) return std::format("is without the file '{}'", other->name);
  if (rows != now.rows || dimension != now.dimension) return "is of other vectors";
  return "";
}

}  // namespace llama::internal
