// A file that is on its way, and which of its bytes can be relied on.
//
// The folder holds `data`, of the full size from the beginning, and `journal.json`. A range is in the journal's
// "synced" only after fdatasync, and counts for ever; one in "written" lies in the kernel's memory: it survives the
// process's death (kill -9) and not the machine's, so it counts as long as the machine has not been started anew. Bytes
// are written at their offsets and never appended or cut off: whoever writes them, the same bytes go to the same place.
// Errors   NoSpace, Io.
// Threads  write() from any number at once; the rest from one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "download/byte_ranges.h"
#include "llama-base/digest.h"
#include "llama-base/error.h"

namespace llama::internal {

class PartialFile {
 public:
  // Takes up what an earlier process left of the same content, or starts anew.
  [[nodiscard]] static Result<PartialFile> open(const std::filesystem::path& folder, const Digest& digest,
                                                std::uint64_t size_bytes);
  ~PartialFile();
  PartialFile(PartialFile&&) noexcept;
  PartialFile& operator=(PartialFile&&) noexcept;

  // Takes the disk space of the whole file, if there is as much.
  [[nodiscard]] Result<void> reserve();
  [[nodiscard]] Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) const;

  enum class Save {
    Quick,    // for this process's sudden death
    Durable,  // for the machine's too
  };
  [[nodiscard]] Result<void> save(Save how);
  [[nodiscard]] Result<void> forget();  // all bytes

  [[nodiscard]] ByteRanges ranges() const;
  [[nodiscard]] std::uint64_t size_bytes() const;
  [[nodiscard]] std::filesystem::path data() const;

 private:
  struct State;
  explicit PartialFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama::internal
