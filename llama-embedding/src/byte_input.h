// Read a file, a pipe or standard input in blocks, noticing a stop request while nothing comes.
//
// Errors   NotFound, Io, with the name that people know it by.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "llama-base/disk.h"
#include "llama-base/error.h"

namespace llama::internal {

class ByteInput {
 public:
  // "-" is standard input.
  [[nodiscard]] static Result<ByteInput> open(const std::filesystem::path& path);

  // Would read() not wait? Also at the end, and where it would fail.
  [[nodiscard]] bool is_ready() const;

  // The next bytes; their number is 0 at the end. Waits for them.
  //
  // Errors   also Cancelled.
  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer, const std::stop_token& stop) const;

  // A regular file can be looked into without reading on, and read again.
  [[nodiscard]] bool is_regular() const { return start_.has_value(); }
  [[nodiscard]] std::uint64_t size_bytes() const;  // from where reading began; 0 where it is no regular file
  [[nodiscard]] std::size_t peek(std::span<char> buffer) const;  // the first bytes; none where that fails
  [[nodiscard]] Result<void> rewind() const;                     // to where reading began

  [[nodiscard]] const std::string& name() const { return name_; }  // "input 'x.txt'", "standard input"

 private:
  ByteInput(std::string name, FileHandle owned, int descriptor);
  std::string name_;
  FileHandle owned_;  // not standard input
  int descriptor_;
  std::optional<std::int64_t> start_;  // of a regular file: standard input may have been read by others before
};

}  // namespace llama::internal
