#include "cache/cache_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <format>
#include <system_error>

#include "cache/file_copy.h"
#include "llama-base/disk.h"
#include "unix_time.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

constexpr int kLayoutVersion = 1;
constexpr std::size_t kMaxManifest = 256 << 20;  // bytes: a million files of a data set
// Source   https://bford.info/cachedir/
constexpr std::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of llama-loader: backups may leave it "
    "out.\n";

std::int64_t modified_seconds(const fs::path& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 ? std::min<std::int64_t>(facts.st_mtime, unix_time()) : 0;
}

// A hard link leaves the source where a rerun after a crash finds it; not every file system has them.
Result<void> place(const StagedFile& file, const fs::path& target, const std::stop_token& stop) {
  if (::link(file.source.c_str(), target.c_str()) == 0) return {};
  if (file.how == StagedFile::How::Move) {
    if (::rename(file.source.c_str(), target.c_str()) == 0) return {};
    return disk_error("put in place", target, errno);
  }
  return copy_file(file.source, target, stop);
}

struct Scrapped {
  explicit Scrapped(fs::path folder) : path(std::move(folder)) {}
  Scrapped(const Scrapped&) = delete;
  Scrapped& operator=(const Scrapped&) = delete;
  ~Scrapped() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

}  // namespace

std::vector<fs::path> CacheEntry::paths() const {
  std::vector<fs::path> result;
  for (const auto& file : manifest.files) result.push_back(file_place(folder, file.path));
  return result;
}

bool CacheEntry::looks_unchanged() const {
  return std::ranges::all_of(manifest.files, [&](const ManifestFile& file) {
    return fingerprint_of(file_place(folder, file.path)) == file.fingerprint;
  });
}

Result<CacheFolder> CacheFolder::open(const fs::path& folder) {
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  const std::string version = read_small_file(folder / "VERSION", 64);
  if (const int found = static_cast<int>(std::strtol(version.c_str(), nullptr, 10)); found > kLayoutVersion) {
    return fail(
        ErrorCode::InvalidArgument,
        std::format("the model cache '{}' was written by a newer version ({}): update this program, or use another "
                    "folder",
                    folder.string(), found));
  }
  std::error_code ignored;
  fs::create_directories(folder / ".locks", ignored);
  if (version.empty() && ::access(folder.c_str(), W_OK) == 0) {
    if (auto written = replace_file(folder / "VERSION", std::format("{}\n", kLayoutVersion)); !written)
      return std::unexpected(written.error());
    if (auto written = replace_file(folder / "CACHEDIR.TAG", kTag); !written) return std::unexpected(written.error());
  }
  return CacheFolder(folder, probe_locks(folder / ".locks"));
}

std::optional<CacheEntry> CacheFolder::entry(const std::string& key) const {
  const fs::path folder = folder_ / key;
  auto manifest = parse_manifest(read_small_file(folder / "manifest.json", kMaxManifest));
  if (!manifest) return std::nullopt;
  // A stamp from the future, from when the clock was wrong, protects for no longer than one of now.
  const std::int64_t used = std::min(modified_seconds(folder / ".last_used"), unix_time());
  return CacheEntry{.key = key, .folder = folder, .manifest = std::move(*manifest), .last_used = used};
}

// Twice: it may just be put in place.
bool CacheFolder::is_unreadable(const std::string& key) const {
  std::error_code ignored;
  return !entry(key) && fs::exists(folder_ / key / "manifest.json", ignored) && !entry(key);
}

std::vector<std::string> CacheFolder::unreadable() const {
  std::vector<std::string> found;
  for (std::string& key : keys())
    if (is_unreadable(key)) found.push_back(std::move(key));
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> CacheFolder::keys() const {
  std::vector<std::string> found;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder_, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    std::string name = it->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && it->is_directory(ignored)) found.push_back(std::move(name));
  }
  return found;
}

std::vector<CacheEntry> CacheFolder::entries() const {
  std::vector<CacheEntry> found;
  for (const std::string& key : keys())
    if (auto one = entry(key)) found.push_back(std::move(*one));
  std::ranges::sort(found, [](const CacheEntry& a, const CacheEntry& b) {
    return std::pair(b.last_used, a.key) < std::pair(a.last_used, b.key);
  });
  return found;
}

Result<FileLock> CacheFolder::lock(const std::string& name, FileLock::Kind kind, const OnWait& on_wait,
                                   const std::stop_token& stop) const {
  return FileLock::lock(lock_file(name), kind, locks_, on_wait, stop);
}

Result<std::optional<FileLock>> CacheFolder::try_lock(const std::string& name, FileLock::Kind kind) const {
  return FileLock::try_lock(lock_file(name), kind, locks_);
}

// A folder may have a longer name than its lock's file can.
fs::path CacheFolder::lock_file(const std::string& name) const {
  constexpr std::size_t kMaxName = 250;
  return folder_ / ".locks" / ((name.size() <= kMaxName ? name : digest_of(name, DigestKind::Sha256).hex) + ".lock");
}

fs::path CacheFolder::incoming(const Digest& digest, const std::string& group) const {
  return folder_ / ".incoming" / group / (has_locks() ? digest.hex : std::format("{}-{}", digest.hex, ::getpid()));
}

void CacheFolder::discard_incoming(const Digest& digest, const std::string& group) const {
  std::error_code ignored;
  fs::remove_all(incoming(digest, group), ignored);
  if (!group.empty()) fs::remove(folder_ / ".incoming" / group, ignored);  // where it was the last
}

Result<CacheEntry> CacheFolder::publish(const std::string& key, Manifest manifest, const std::vector<StagedFile>& files,
                                        const std::stop_token& stop) const {
  std::string name = (folder_ / ".incoming" / "model-XXXXXX").string();
  if (auto made = make_folders(folder_ / ".incoming"); !made) return std::unexpected(made.error());
  if (::mkdtemp(name.data()) == nullptr) return disk_error("created", name, errno);
  const fs::path staging = name;
  ::chmod(staging.c_str(), 0755);
  const Scrapped scrapped(staging);  // where it fails; once it is renamed nothing has that name
  for (std::size_t i = 0; i < files.size(); ++i) {
    ManifestFile& file = manifest.files[i];
    const fs::path target = file_place(staging, file.path);
    if (auto made = make_folders(target.parent_path()); !made) return std::unexpected(made.error());
    file.linked = files[i].how == StagedFile::How::Link;
    if (file.linked) {
      if (::symlink(files[i].source.c_str(), target.c_str()) != 0) return disk_error("linked", target, errno);
    } else {
      if (auto synced = sync_file(files[i].source); !synced) return std::unexpected(synced.error());
      if (auto placed = place(files[i], target, stop); !placed) return std::unexpected(placed.error());
    }
    if (const auto look = fingerprint_of(target)) file.fingerprint = *look;
    if (auto synced = sync_file(target.parent_path()); !synced) return std::unexpected(synced.error());
  }
  CacheEntry entry{.key = key, .folder = staging, .manifest = std::move(manifest), .last_used = unix_time()};
  entry.manifest.created = entry.last_used;
  if (auto written = write_manifest(entry); !written) return std::unexpected(written.error());
  touch(entry);
  // What lies there already is damaged, or it would have been used.
  if (auto gone = remove(key); !gone) return std::unexpected(gone.error());
  if (auto placed = rename_over(staging, folder_ / key); !placed) return std::unexpected(placed.error());
  entry.folder = folder_ / key;
  return entry;
}

Result<void> CacheFolder::write_manifest(const CacheEntry& entry) const {
  const std::string text = to_json(entry.manifest) + "\n";
  if (text.size() > kMaxManifest) {  // it would not be read again
    return fail(ErrorCode::InvalidArgument, std::format("'{}': {} files are more than an entry of the cache may have",
                                                        entry.key, entry.manifest.files.size()));
  }
  return replace_file(entry.folder / "manifest.json", text);
}

Result<void> CacheFolder::remove(const std::string& key) const {
  const fs::path folder = folder_ / key;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return {};
  // It disappears in one step, and is taken apart after.
  if (auto made = make_folders(folder_ / ".trash"); !made) return made;
  std::string name = (folder_ / ".trash" / "model-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return disk_error("created", name, errno);
  if (::rename(folder.c_str(), (fs::path(name) / "model").c_str()) != 0) return disk_error("removed", folder, errno);
  fs::remove_all(name, error);
  return {};
}

void CacheFolder::touch(const CacheEntry& entry) const {
  const fs::path stamp = entry.folder / ".last_used";
  const FileHandle file(::open(stamp.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (file) ::futimens(file.get(), nullptr);  // a read-only cache has no stamps
}

}  // namespace llama::internal
