#include "llama-base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

AtomicFile::AtomicFile(fs::path path, fs::path temporary, FileHandle file, AtomicFileOptions options)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)), options_(options) {}

Result<AtomicFile> AtomicFile::create(const fs::path& path, AtomicFileOptions options) {
  static std::atomic<unsigned> number = 0;
  for (;;) {
    fs::path temporary = path.parent_path() /
                         std::format(".{}.{}-{}.partial", path.filename().string(), ::getpid(), number.fetch_add(1));
    FileHandle file(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, options.mode));
    if (file) return AtomicFile(path, std::move(temporary), std::move(file), options);
    if (errno != EEXIST) return disk_error("written", path, errno);  // else a killed process of this number left it
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      options_(other.options_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(file_, other.file_);
  std::swap(options_, other.options_);
  return *this;
}

Result<void> AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("written", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> AtomicFile::commit() {
  // On the disk before it has its name: a power cut must not leave a finished name on unfinished bytes.
  if (options_.is_durable && ::fsync(file_.get()) != 0) return disk_error("written", path_, errno);
  bool named = false;
  if (!options_.replace) {
    // link() refuses a name that another program took meanwhile, which rename() would replace.
    named = ::link(temporary_.c_str(), path_.c_str()) == 0;
    if (!named && errno == EEXIST) return disk_error("written", path_, errno);
    if (named) ::unlink(temporary_.c_str());
  }
  // Also where a file system has no links.
  if (!named && ::rename(temporary_.c_str(), path_.c_str()) != 0) return disk_error("put in place", path_, errno);
  temporary_.clear();
  return options_.is_durable ? sync_file(folder_of(path_)) : Result<void>();
}

}  // namespace llama::internal
