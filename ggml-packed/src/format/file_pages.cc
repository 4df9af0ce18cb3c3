#include "format/file_pages.h"

#if defined(__linux__)
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace ggml_packed {
namespace {

constexpr std::size_t kFilePage = 4096;
// Finding out what is mapped where takes a fraction of a millisecond.
constexpr std::size_t kAtOnce = std::size_t{64} << 20;

struct MappedRange {
  std::uintptr_t begin = 0, end = 0;
};

// What is mapped from files, shared and to be read only: a page of it that is dropped is the same when it comes back.
// Source   proc_pid_maps(5)
std::vector<MappedRange> files_to_read() {
  std::vector<MappedRange> ranges;
  std::ifstream lines("/proc/self/maps");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    MappedRange range;
    char dash = 0;
    std::string permissions, offset, device;
    std::uint64_t inode = 0;
    if (words >> std::hex >> range.begin >> dash >> range.end >> permissions >> offset >> device >> std::dec >> inode &&
        permissions == "r--s" && inode != 0) {
      ranges.push_back(range);
    }
  }
  return ranges;
}

void drop_pages(const std::vector<std::span<std::byte>>& unused) {
  const std::vector<MappedRange> files = files_to_read();
  for (const std::span<std::byte> bytes : unused) {
    const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
    for (const MappedRange& file : files) {
      const std::uintptr_t begin = (std::max(first, file.begin) + kFilePage - 1) / kFilePage * kFilePage;
      const std::uintptr_t end = std::min(first + bytes.size(), file.end) / kFilePage * kFilePage;
      if (begin < end) madvise(bytes.data() + (begin - first), end - begin, MADV_DONTNEED);  // locked pages stay
    }
  }
}

}  // namespace

void release_file_pages(void* data, std::size_t bytes) {
  static std::mutex mutex;
  static std::vector<std::span<std::byte>> unused;
  static std::size_t collected = 0;

  const std::scoped_lock lock(mutex);
  unused.emplace_back(static_cast<std::byte*>(data), bytes);
  collected += bytes;
  if (collected < kAtOnce) return;
  collected = 0;
  drop_pages(std::exchange(unused, {}));
}

}  // namespace ggml_packed

#else
namespace ggml_packed {
void release_file_pages(void* /*data*/, std::size_t /*bytes*/) {}
}  // namespace ggml_packed
#endif
