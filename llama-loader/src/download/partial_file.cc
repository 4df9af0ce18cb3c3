#include "download/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "llama-base/disk.h"

namespace llama::internal {
namespace {

using Json = nlohmann::json;

constexpr int kJournalVersion = 1;
constexpr std::size_t kMaxJournal = 16 << 20;

// Differs after each start of the machine; "" where there is no such thing: then only synced bytes count.
std::string boot_id() { return read_small_file("/proc/sys/kernel/random/boot_id", 256); }

Json to_json(const ByteRanges& ranges) {
  Json list = Json::array();
  for (const ByteRange& range : ranges.ranges()) list.push_back({range.begin, range.end});
  return list;
}

void add_ranges(const Json& list, std::uint64_t size, ByteRanges& ranges) {
  if (!list.is_array()) return;
  for (const Json& entry : list) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number_unsigned() || !entry[1].is_number_unsigned())
      continue;
    const ByteRange range{entry[0].get<std::uint64_t>(), entry[1].get<std::uint64_t>()};
    if (range.begin < range.end && range.end <= size) ranges.add(range);
  }
}

}  // namespace

struct PartialFile::State {
  std::filesystem::path folder;
  Digest digest;
  std::uint64_t size = 0;
  FileHandle file;
  mutable std::mutex mutex;
  ByteRanges written, synced;

  [[nodiscard]] std::filesystem::path data() const { return folder / "data"; }
  [[nodiscard]] std::filesystem::path journal() const { return folder / "journal.json"; }

  void read_journal() {
    const Json json = Json::parse(read_small_file(journal(), kMaxJournal), nullptr, false);
    if (!json.is_object() || json.value("version", Json(0)) != kJournalVersion || json.value("size", Json(0)) != size ||
        json.value("digest", Json("")) != digest.hex) {
      return;
    }
    add_ranges(json.value("synced", Json()), size, synced);
    written = synced;
    const std::string boot = boot_id();
    if (!boot.empty() && json.value("boot", Json("")) == boot) add_ranges(json.value("written", Json()), size, written);
  }

  // Some of the space is taken: by an earlier attempt, though it may have got no byte, or have packed them into less.
  [[nodiscard]] Result<void> check_space() const {
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) return disk_error("read", data(), errno);
    const std::uint64_t taken = std::max(static_cast<std::uint64_t>(facts.st_blocks) * 512, written.total());
    const std::uint64_t missing = size - std::min(taken, size);
    const std::uint64_t available = free_space(folder);
    if (missing <= available) return {};
    return fail(ErrorCode::NoSpace,
                std::format("{:.1f} MB are needed in '{}', which has {:.1f} MB free",
                            static_cast<double>(missing) / 1e6, folder.string(), static_cast<double>(available) / 1e6));
  }
};

PartialFile::PartialFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
PartialFile::~PartialFile() = default;
PartialFile::PartialFile(PartialFile&&) noexcept = default;
PartialFile& PartialFile::operator=(PartialFile&&) noexcept = default;

Result<PartialFile> PartialFile::open(const std::filesystem::path& folder, const Digest& digest,
                                      std::uint64_t size_bytes) {
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->digest = digest;
  state->size = size_bytes;
  state->file = FileHandle(::open(state->data().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!state->file) return disk_error("opened", state->data(), errno);
  struct stat facts{};
  if (::fstat(state->file.get(), &facts) != 0) return disk_error("read", state->data(), errno);
  if (std::cmp_equal(facts.st_size, size_bytes)) {
    state->read_journal();
  } else if (facts.st_size > 0) {  // of another origin: a new file, because someone may still be writing to that one
    ::unlink(state->data().c_str());
    state->file = FileHandle(::open(state->data().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!state->file) return disk_error("opened", state->data(), errno);
  }
  return PartialFile(std::move(state));
}

Result<void> PartialFile::reserve() {
  if (auto enough = state_->check_space(); !enough) return enough;
  const auto size = static_cast<off_t>(state_->size);
  if (size == 0) return {};  // fallocate() would refuse
#ifdef __linux__
  if (::fallocate(state_->file.get(), 0, 0, size) == 0) return {};
  if (errno != EOPNOTSUPP && errno != ENOSYS) return disk_error("given its space", state_->data(), errno);
#endif
  if (::ftruncate(state_->file.get(), size) != 0) return disk_error("given its space", state_->data(), errno);
  return {};
}

Result<void> PartialFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t begin = offset;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(state_->file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error("written", state_->data(), errno);
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  const std::scoped_lock lock(state_->mutex);
  state_->written.add({begin, offset});
  return {};
}

Result<void> PartialFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(state_->file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return disk_error("read", state_->data(), count < 0 ? errno : EIO);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> PartialFile::save(Save how) {
  const ByteRanges written = ranges();
  if (how == Save::Durable) {
#ifdef __linux__
    if (::fdatasync(state_->file.get()) != 0) return disk_error("written", state_->data(), errno);
#else
    if (::fsync(state_->file.get()) != 0) return disk_error("written", state_->data(), errno);
#endif
    state_->synced = written;
  }
  const Json json = {{"version", kJournalVersion},        {"digest", state_->digest.hex}, {"size", state_->size},
                     {"synced", to_json(state_->synced)}, {"written", to_json(written)},  {"boot", boot_id()}};
  return replace_file(state_->journal(), json.dump(), {.is_durable = how == Save::Durable});
}

Result<void> PartialFile::forget() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->written.clear();
    state_->synced.clear();
  }
  return save(Save::Durable);
}

ByteRanges PartialFile::ranges() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->written;
}

std::uint64_t PartialFile::size_bytes() const { return state_->size; }
std::filesystem::path PartialFile::data() const { return state_->data(); }

}  // namespace llama::internal
