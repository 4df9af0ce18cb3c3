#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <format>
#include <utility>

#include "index/index_header.h"
#include "index/index_memory.h"
#include "llama-base/atomic_file.h"
#include "llama-base/digest.h"
#include "llama-base/disk.h"
#include "llama-vectors/vector_index.h"
#include "values/piece_team.h"

namespace llama {
namespace internal {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "an index is written as its numbers lie in memory");

std::string sha256(std::string_view bytes) { return digest_of(bytes, DigestKind::Sha256).hex; }

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> block_at(std::span<const std::byte> part, std::size_t block) {
  return part.subspan(block * kBlockBytes, std::min(kBlockBytes, part.size() - block * kBlockBytes));
}

Result<std::vector<std::string>> digests_of(std::span<const std::byte> part, std::size_t workers,
                                            const std::stop_token& stop) {
  std::vector<std::string> digests(blocks_of(part.size()));
  auto shared = share_work(digests.size(), workers, stop, [&](std::size_t, std::size_t block) {
    digests[block] = sha256(as_text(block_at(part, block)));
  });
  if (!shared) return std::unexpected(shared.error());
  return digests;
}

std::string preamble(const std::string& header) {
  const std::uint64_t size = header.size();
  std::string start(kMark);
  start.append(reinterpret_cast<const char*>(&size), sizeof size);
  return start + sha256(start + header);
}

// Of the first of the files, for everybody whom its owner lets read it.
unsigned mode_of(const VectorFile& file) {
  struct stat status{};
  constexpr unsigned kReadAndWrite = 0666;
  return ::stat(file.table().files().front().path.c_str(), &status) == 0 ? status.st_mode & kReadAndWrite : 0600;
}

// A file that is read from several places at once.
class IndexBytes {
 public:
  static Result<IndexBytes> open(const fs::path& path) {
    // A pipe of that name would wait for a writer.
    IndexBytes bytes(FileHandle(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), path);
    if (!bytes.file_ && errno == ENOENT) return fail(ErrorCode::NotFound, "it does not exist");
    struct stat status{};
    if (!bytes.file_ || ::fstat(bytes.file_.get(), &status) != 0) return disk_error("read", path, errno);
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::InvalidArgument, "it is no file");
    bytes.size_ = static_cast<std::uint64_t>(status.st_size);
    return bytes;
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  Result<void> read(std::uint64_t from, std::span<std::byte> into) const {
    while (!into.empty()) {
      const ssize_t got = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(from));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return disk_error("read", path_, errno);
      if (got == 0) return fail(ErrorCode::Corrupt, "it is cut short");
      from += static_cast<std::uint64_t>(got);
      into = into.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

 private:
  IndexBytes(FileHandle file, fs::path path) : file_(std::move(file)), path_(std::move(path)) {}
  FileHandle file_;
  fs::path path_;
  std::uint64_t size_ = 0;
};

Result<IndexHeader> read_header(const IndexBytes& bytes, std::uint64_t& end) {
  std::string start(kPreambleBytes, '\0');
  const std::size_t known = std::min<std::uint64_t>(bytes.size(), start.size());
  if (auto read = bytes.read(0, std::as_writable_bytes(std::span(start).first(known))); !read)
    return std::unexpected(read.error());
  if (!start.starts_with(kAnyMark)) return fail(ErrorCode::InvalidArgument, "it is no index");
  if (!start.starts_with(kMark)) return fail(ErrorCode::InvalidArgument, "it is of another version");
  if (known < start.size()) return fail(ErrorCode::Corrupt, "it is cut short");
  std::uint64_t size = 0;
  std::memcpy(&size, start.data() + kMark.size(), sizeof size);
  if (size > bytes.size() - kPreambleBytes) return fail(ErrorCode::Corrupt, "it is cut short");
  std::string header(size, '\0');
  if (auto read = bytes.read(kPreambleBytes, std::as_writable_bytes(std::span(header))); !read)
    return std::unexpected(read.error());
  if (preamble(header) != start) return fail(ErrorCode::Corrupt, "its header is damaged");
  end = kPreambleBytes + size;
  return IndexHeader::read(header);
}

// Reads the parts one after the other, and compares each block's digest.
class PartReader {
 public:
  PartReader(const IndexBytes& bytes, const IndexHeader& header, std::uint64_t from, std::size_t workers,
             const std::stop_token& stop)
      : bytes_(bytes), header_(header), from_(from), workers_(workers), stop_(stop) {}

  Result<void> next(std::span<std::byte> part) {
    std::vector<Result<void>> outcomes(blocks_of(part.size()));
    auto shared = share_work(outcomes.size(), workers_, stop_, [&](std::size_t, std::size_t block) {
      const std::size_t begin = block * kBlockBytes;
      const std::span<std::byte> into = part.subspan(begin, std::min(kBlockBytes, part.size() - begin));
      outcomes[block] = bytes_.read(from_ + begin, into);
      if (outcomes[block] && sha256(as_text(into)) != header_.digests[block_ + block])
        outcomes[block] = fail(ErrorCode::Corrupt, "it is damaged");
    });
    if (!shared) return shared;
    for (Result<void>& outcome : outcomes)
      if (!outcome) return std::move(outcome);
    from_ += part.size();
    block_ += outcomes.size();
    return {};
  }

 private:
  const IndexBytes& bytes_;
  const IndexHeader& header_;
  std::uint64_t from_;
  std::size_t block_ = 0, workers_;
  const std::stop_token& stop_;
};

// The rows that are said to be in the graph are those that are there; others are left out for a reason that exists.
bool agree(const std::vector<IndexedRow>& rows, const NeighbourGraph& graph) {
  const std::vector<std::uint32_t> held = graph.rows();
  if (std::cmp_not_equal(std::ranges::count(rows, IndexedRow::Held), held.size())) return false;
  return std::ranges::all_of(rows, [](IndexedRow row) { return row <= IndexedRow::Zeros; }) &&
         std::ranges::all_of(held, [&](std::uint32_t row) { return rows[row] == IndexedRow::Held; });
}

Result<std::shared_ptr<const IndexContent>> load_content(const fs::path& path, const VectorFile& file, int threads,
                                                         const std::stop_token& stop) {
  const auto bytes = IndexBytes::open(path);
  if (!bytes) return std::unexpected(bytes.error());
  std::uint64_t end = 0;
  auto header = read_header(*bytes, end);
  if (!header) return std::unexpected(header.error());
  if (bytes->size() - end != header->bytes_of_parts()) return fail(ErrorCode::Corrupt, "it is cut short");
  const auto now = FileIdentity::of(file);
  if (!now) return std::unexpected(now.error());
  if (const std::string reason = header->identity.difference(*now); !reason.empty())
    return fail(ErrorCode::InvalidArgument, "it " + reason);
  NeighbourGraph::Options shape = header->shape;
  const std::size_t workers = team_size(threads, blocks_of(header->bytes_of_parts()));
  if (auto checked = check_index_memory(shape, workers); !checked) return std::unexpected(checked.error());
  const auto size_of = [&](IndexPart part) { return header->sizes[std::to_underlying(part)]; };
  PartReader parts(*bytes, *header, end, workers, stop);
  std::vector<IndexedRow> rows(size_of(IndexPart::Rows));
  std::vector<std::uint8_t> levels(size_of(IndexPart::Levels));
  std::vector<std::byte> upper(size_of(IndexPart::Upper));
  for (const auto part : {std::as_writable_bytes(std::span(rows)), std::as_writable_bytes(std::span(levels)),
                          std::as_writable_bytes(std::span(upper))})
    if (auto read = parts.next(part); !read) return std::unexpected(read.error());
  auto graph = NeighbourGraph::restore(
      shape, levels, upper, [&](std::span<std::byte> ground) { return parts.next(ground); }, rows.size());
  if (!graph) return std::unexpected(graph.error());
  if (!agree(rows, *graph)) return fail(ErrorCode::Corrupt, "its rows are damaged");
  return std::make_shared<IndexContent>(IndexContent{.identity = std::move(header->identity),
                                                     .shape = shape,
                                                     .graph = std::move(*graph),
                                                     .rows = std::move(rows),
                                                     .nulls = header->nulls,
                                                     .other_lengths = header->other_lengths,
                                                     .non_finite = header->non_finite,
                                                     .zeros = header->zeros,
                                                     .recalls = std::move(header->recalls),
                                                     .sampled = header->sampled});
}

}  // namespace
}  // namespace internal

Result<void> VectorIndex::save(const std::filesystem::path& path, const VectorFile& file, int threads,
                               const std::stop_token& stop) const {
  using internal::IndexPart;
  const auto now = internal::FileIdentity::of(file);
  if (!now) return std::unexpected(now.error());
  if (!content_->identity.difference(*now).empty())
    return fail(ErrorCode::InvalidArgument, "the file has changed while its index was built");
  const std::vector<std::uint8_t> levels = content_->graph.levels();
  const std::vector<std::byte> upper = content_->graph.upper_links();
  const std::array<std::span<const std::byte>, internal::kIndexParts> parts = {
      std::as_bytes(std::span(content_->rows)), std::as_bytes(std::span(levels)), upper, content_->graph.ground()};
  internal::IndexHeader header = internal::IndexHeader::of(*content_);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    header.sizes[i] = parts[i].size();
    auto digests =
        internal::digests_of(parts[i], internal::team_size(threads, internal::blocks_of(parts[i].size())), stop);
    if (!digests) return std::unexpected(digests.error());
    header.digests.append_range(std::move(*digests));
  }
  // A power cut may leave it incomplete: the digests tell.
  auto out = internal::AtomicFile::create(path, {.mode = internal::mode_of(file), .is_durable = false});
  if (!out) return std::unexpected(out.error());
  const std::string json = header.json();
  if (auto written = out->write(internal::preamble(json) + json); !written) return written;
  for (const auto part : parts) {
    for (std::size_t block = 0; block < internal::blocks_of(part.size()); ++block) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "writing the index was stopped");
      if (auto written = out->write(internal::as_text(internal::block_at(part, block))); !written) return written;
    }
  }
  return out->commit();
}

Result<VectorIndex> VectorIndex::load(const std::filesystem::path& path, const VectorFile& file, int threads,
                                      const std::stop_token& stop) {
  auto content = internal::load_content(path, file, threads, stop);
  if (content) return VectorIndex(std::move(*content));
  Error error = std::move(content.error());
  // Those of the disk name it.
  if (error.code != ErrorCode::Io && error.code != ErrorCode::Cancelled)
    error.message = std::format("index '{}': {}", path.string(), error.message);
  return std::unexpected(std::move(error));
}

}  // namespace llama
