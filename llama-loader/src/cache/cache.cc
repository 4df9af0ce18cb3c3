#include "llama-loader/cache.h"

#include <algorithm>
#include <format>
#include <fstream>
#include <span>
#include <system_error>

#include "cache/cache_folder.h"
#include "cache/cache_room.h"
#include "cache/file_copy.h"
#include "hub/repo_path.h"
#include "llama-base/disk.h"
#include "llama-base/file_digest.h"

namespace llama {
namespace {

constexpr std::size_t kMaxKey = 200;  // a file name has 255 bytes, and the lock's is longer

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '/' || c == '_' || c == '%' || static_cast<unsigned char>(c) < 0x20) {
      result += std::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string sha256_of_text(std::string_view text) {
  internal::Hasher hasher(internal::DigestKind::Sha256, text.size());
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.finish().hex;
}

std::unexpected<Error> no_key(const std::string& key) {
  return fail(ErrorCode::InvalidArgument, std::format("'{}' is no key of a cached model", key));
}

Result<void> check_key(const std::string& key) {
  if (internal::is_safe_path(key) && !key.contains('/') && !key.starts_with('.') && key.size() <= kMaxKey) return {};
  return no_key(key);
}

// What may lie in a cache already: older versions cut long keys inside a character.
Result<void> check_old_key(const std::string& key) {
  constexpr std::string_view kInNoName("/\0", 2);
  if (!key.empty() && !key.starts_with('.') && key.find_first_of(kInNoName) == std::string::npos) return {};
  return no_key(key);
}

}  // namespace

std::vector<std::filesystem::path> CachedModel::paths() const {
  std::vector<std::filesystem::path> result;
  for (const auto& file : files) result.push_back(internal::file_place(folder, file.path));
  return result;
}

CacheManager::CacheManager(std::filesystem::path folder) : folder_(std::move(folder)) {}

CacheManager& CacheManager::with_max_size_gb(std::optional<std::uint64_t> gigabytes) {
  return with_max_size_bytes(
      gigabytes.transform([](std::uint64_t g) { return std::min(g, std::uint64_t{1} << 30) * 1'000'000'000; }));
}
CacheManager& CacheManager::with_max_size_bytes(std::optional<std::uint64_t> bytes) {
  max_size_bytes_ = bytes;
  return *this;
}
CacheManager& CacheManager::with_cleanup_on_start(bool cleanup) {
  cleanup_on_start_ = cleanup;
  return *this;
}

std::string CacheManager::generate_cache_key(std::string_view repo, std::string_view filename, std::uint64_t size_bytes,
                                             std::int64_t modified) {
  std::string key = std::format("{}_{}_{}_{}", escaped(repo), escaped(filename), size_bytes, modified);
  if (key.starts_with('.')) key.replace(0, 1, "%2E");
  if (key.size() > kMaxKey) {
    std::size_t kept = kMaxKey - 65;
    while (kept > 0 && (static_cast<unsigned char>(key[kept]) & 0xc0) == 0x80) --kept;  // whole characters of UTF-8
    key = key.substr(0, kept) + "_" + sha256_of_text(key);
  }
  return key;
}

Result<std::optional<CachedModel>> CacheManager::get_cached_model(const std::string& key) const {
  if (auto checked = check_old_key(key); !checked) return std::unexpected(checked.error());
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  const auto entry = folder->entry(key);
  if (!entry || !entry->looks_unchanged()) return std::nullopt;
  folder->touch(*entry);
  return internal::describe(*entry);
}

Result<CachedModel> CacheManager::cache_model(const std::filesystem::path& file, const std::string& key,
                                              const std::stop_token& stop) const {
  if (auto checked = check_key(key); !checked) return std::unexpected(checked.error());
  const std::string name = file.filename().string();
  if (!internal::is_safe_path(name))
    return fail(ErrorCode::InvalidArgument, std::format("the cache takes no file named '{}'", name));
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  const auto look = internal::fingerprint_of(file);
  if (!look) return fail(ErrorCode::NotFound, std::format("model file '{}' does not exist", file.string()));
  const auto room = internal::make_room(*folder, {.limit = max_size_bytes_, .needed = look->size_bytes, .kept = key});
  if (!room) return std::unexpected(room.error());
  const auto lock = folder->lock(key, internal::FileLock::Kind::Exclusive, {}, stop);
  if (!lock) return std::unexpected(lock.error());
  const auto digest = internal::digest_of_file(file, internal::DigestKind::Sha256, {}, stop);
  if (!digest) return std::unexpected(digest.error());

  // The same content may be on its way from a hub.
  const auto incoming = folder->lock(digest->hex, internal::FileLock::Kind::Exclusive, {}, stop);
  if (!incoming) return std::unexpected(incoming.error());
  const auto copy = folder->incoming(*digest) / "data";
  if (auto made = internal::make_folders(copy.parent_path()); !made) return std::unexpected(made.error());
  std::error_code error;
  std::filesystem::remove(copy, error);
  if (auto copied = internal::link_or_copy(file, copy, stop); !copied) {
    folder->discard_incoming(*digest);
    return std::unexpected(copied.error());
  }
  internal::Manifest manifest;
  manifest.files.push_back({.path = name, .size_bytes = look->size_bytes, .digest = *digest, .fingerprint = {}});
  auto entry = folder->publish(key, std::move(manifest), {{.source = copy}}, stop);
  folder->discard_incoming(*digest);
  if (!entry) return std::unexpected(entry.error());
  return internal::describe(*entry);
}

Result<CacheCleanup> CacheManager::cleanup_old_models() const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  internal::sweep(*folder, false);
  return internal::make_room(*folder, {.limit = max_size_bytes_, .needed = 0, .kept = {}});
}

Result<std::vector<CachedModel>> CacheManager::list() const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  std::vector<CachedModel> models;
  const auto entries = folder->entries();
  const auto freed = internal::freed_bytes(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    models.push_back(internal::describe(entries[i]));
    const auto lock = folder->try_lock(entries[i].key, internal::FileLock::Kind::Exclusive);
    models.back().in_use = lock && !*lock;
    models.back().freed_bytes = freed[i];
  }
  return models;
}

Result<std::uint64_t> CacheManager::size_bytes() const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  const auto all = internal::make_room(*folder, {.limit = std::nullopt, .needed = 0, .kept = {}});
  return all.transform([](const CacheCleanup& cleanup) { return cleanup.size_bytes; });
}

Result<std::vector<CacheFault>> CacheManager::unreadable() const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  std::vector<CacheFault> faults;
  for (std::string& key : folder->unreadable())
    faults.push_back({std::move(key), "its manifest.json cannot be read: it is damaged, or a newer version's"});
  return faults;
}

Result<std::uint64_t> CacheManager::remove(const std::string& key) const {
  if (auto checked = check_old_key(key); !checked) return std::unexpected(checked.error());
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  if (!folder->entry(key) && !folder->is_unreadable(key))
    return fail(ErrorCode::NotFound, std::format("the cache has no model '{}'", key));
  const auto lock = folder->try_lock(key, internal::FileLock::Kind::Exclusive);
  if (!lock) return std::unexpected(lock.error());
  if (!*lock) return fail(ErrorCode::InvalidArgument, std::format("a process is using the model '{}'", key));
  const auto entries = folder->entries();
  const auto at = std::ranges::find(entries, key, &internal::CacheEntry::key);
  const std::uint64_t freed =
      at == entries.end() ? 0 : internal::freed_bytes(entries)[static_cast<std::size_t>(at - entries.begin())];
  return folder->remove(key).transform([freed] { return freed; });
}

Result<std::vector<CacheFault>> CacheManager::verify(const std::function<void(const CachedModel&)>& on_model,
                                                     const std::stop_token& stop) const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  auto faults = unreadable();
  if (!faults) return faults;
  for (const auto& entry : folder->entries()) {
    if (on_model) on_model(internal::describe(entry));
    for (const auto& file : entry.manifest.files) {
      const auto digest =
          internal::digest_of_file(internal::file_place(entry.folder, file.path), file.digest.kind, {}, stop);
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "the check of the models was stopped");
      if (!digest) {
        faults->push_back({entry.key, std::format("{}: {}", file.path, digest.error().message)});
      } else if (digest->hex != file.digest.hex) {
        faults->push_back(
            {entry.key, std::format("{}: its digest is {}, published is {}", file.path, digest->hex, file.digest.hex)});
      }
    }
  }
  return faults;
}

Result<std::uint64_t> CacheManager::remove_partial_downloads() const {
  const auto folder = internal::CacheFolder::open(folder_);
  if (!folder) return std::unexpected(folder.error());
  return internal::sweep(*folder, true);
}

}  // namespace llama
