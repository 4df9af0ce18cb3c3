#include "llama-loader/bf16_copy.h"

#include <cerrno>
#include <cstdlib>
#include <format>
#include <span>
#include <system_error>

#include "cache/cache_folder.h"
#include "llama-base/digest.h"
#include "llama-base/disk.h"
#include "llama-core/bf16.h"
#include "llama-loader/multipart.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

// Q8_0 has 8.5 bits a weight, BF16 16; and some room for what else is written meanwhile.
constexpr std::uint64_t space_for(std::uint64_t size) { return size * 2 + (64 << 20); }

// A folder for what is being made, gone with everything in it.
class Workshop {
 public:
  // The name is one that prune and each cleanup know when a crash leaves it.
  static Result<Workshop> open(const fs::path& cache) {
    std::string name = (cache / ".incoming" / "model-XXXXXX").string();
    if (auto made = internal::make_folders(cache / ".incoming"); !made) return std::unexpected(made.error());
    if (::mkdtemp(name.data()) == nullptr) return internal::disk_error("created", name, errno);
    return Workshop(name);
  }
  Workshop(Workshop&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  Workshop& operator=(Workshop&&) = delete;
  ~Workshop() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] const fs::path& folder() const { return folder_; }

 private:
  explicit Workshop(fs::path folder) : folder_(std::move(folder)) {}
  fs::path folder_;
};

std::vector<fs::path> files_of(const LoadedModel& model) {
  const auto part = parse_part_name(model.path.string());
  if (!part) return {model.path};
  const auto names = part->all_names();
  return {names.begin(), names.end()};
}

Result<CachedModel> make_copy(const LoadedModel& model, const CacheManager& cache, int threads,
                              const std::stop_token& stop) {
  const std::uint64_t needed = space_for(model.metadata.size_bytes);
  if (const std::uint64_t free = internal::free_space(cache.folder()); free < needed) {
    return fail(ErrorCode::NoSpace,
                std::format("'{}' has {:.2f} GB free, and {:.2f} GB are needed", cache.folder().string(),
                            static_cast<double>(free) / 1e9, static_cast<double>(needed) / 1e9));
  }
  const auto workshop = Workshop::open(cache.folder());
  if (!workshop) return std::unexpected(workshop.error());
  const fs::path file = workshop->folder() / (model.path.stem().string() + "-BF16.gguf");
  if (auto written = write_as_bf16(files_of(model), file, threads, stop); !written)
    return std::unexpected(written.error());
  return cache.cache_model(file, bf16_copy_key(model), stop);
}

}  // namespace

std::string bf16_copy_key(const LoadedModel& model) {
  internal::Hasher hasher(internal::DigestKind::Sha256, 0);
  hasher.update(std::as_bytes(std::span(model.metadata.identity)));
  const std::string name = model.path.filename().string() + " " + hasher.finish().hex.substr(0, 16);
  return CacheManager::generate_cache_key("bf16-copy", name, model.metadata.size_bytes, 0);
}

Result<CachedModel> bf16_copy_of(const LoadedModel& model, const CacheManager& cache, int threads,
                                 const std::function<void(std::string_view line)>& on_message,
                                 const std::stop_token& stop) {
  const std::string key = bf16_copy_key(model);
  const auto known = cache.get_cached_model(key);
  if (!known) return std::unexpected(known.error());
  if (*known) return **known;
  const auto folder = internal::CacheFolder::open(cache.folder());
  if (!folder) return std::unexpected(folder.error());
  const auto say = [&](const std::string& line) {
    if (on_message) on_message(line);
  };
  const auto waiting = [&](long process) {
    say(std::format("Waiting for process {}, which makes the BF16 copy of {}", process, model.metadata.filename));
  };
  // Not the entry's own lock: publishing takes that.
  const auto lock = folder->lock(key + ".made", internal::FileLock::Kind::Exclusive, waiting, stop);
  if (!lock) return std::unexpected(lock.error());
  const auto meanwhile = cache.get_cached_model(key);
  if (meanwhile && *meanwhile) return **meanwhile;
  auto made = make_copy(model, cache, threads, stop);
  if (made) {
    say(std::format("Made a BF16 copy of {} ({:.2f} GB) in {}, where it can be listed and removed like any other",
                    model.metadata.filename, static_cast<double>(made->size_bytes) / 1e9, cache.folder().string()));
  }
  return made;
}

}  // namespace llama
