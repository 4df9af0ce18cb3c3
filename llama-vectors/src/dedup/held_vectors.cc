#include "dedup/held_vectors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <string>
#include <system_error>
#include <utility>

namespace llama::internal {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// A file that goes with its last user, also where that is killed.
int open_nameless(const std::filesystem::path& folder) {
  std::string name = ((folder.empty() ? std::filesystem::path(".") : folder) / ".vectors-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor >= 0) ::unlink(name.c_str());
  return descriptor;
}

std::unexpected<Error> no_scratch(int error, const std::filesystem::path& folder, std::uint64_t size) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(is_full ? ErrorCode::NoSpace : ErrorCode::Io,
              std::format("folder '{}': no room for {} bytes of vectors: {}", folder.string(), size,
                          std::generic_category().message(error)));
}

}  // namespace

// The file's blocks are there before it is mapped: a full disk is an error here, and no signal later.
Result<HeldVectors> HeldVectors::create(std::uint64_t count, std::size_t stride, std::uint64_t max_memory,
                                        const std::filesystem::path& folder) {
  HeldVectors made;
  made.stride_ = stride;
  made.size_ = std::max<std::uint64_t>(1, count * stride);
  made.is_in_file_ = made.size_ > max_memory;
  const Descriptor file(made.is_in_file_ ? open_nameless(folder) : -1);
  if (made.is_in_file_) {
    if (file.number() < 0) return no_scratch(errno, folder, made.size_);
    if (const int error = ::posix_fallocate(file.number(), 0, static_cast<off_t>(made.size_)); error != 0)
      return no_scratch(error, folder, made.size_);
  }
  void* const bytes = ::mmap(nullptr, made.size_, PROT_READ | PROT_WRITE,
                             made.is_in_file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file.number(), 0);
  if (bytes == MAP_FAILED)
    return fail(ErrorCode::OutOfMemory, std::format("there is not enough memory for {} bytes of vectors", made.size_));
  made.bytes_ = static_cast<std::byte*>(bytes);
  return made;
}

HeldVectors::HeldVectors(HeldVectors&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)),
      size_(other.size_),
      stride_(other.stride_),
      is_in_file_(other.is_in_file_) {}

HeldVectors::~HeldVectors() {
  if (bytes_ != nullptr) ::munmap(bytes_, size_);
}

}  // namespace llama::internal
