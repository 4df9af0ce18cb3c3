// Compute a file's digest while it grows, on a thread of its own, as far as its bytes are there without a gap.
//
// Threads  advance() and finish() from one; the reading is done by the hasher's own.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "download/partial_file.h"
#include "llama-base/digest.h"
#include "llama-base/error.h"

namespace llama::internal {

class PrefixHasher {
 public:
  PrefixHasher(const PartialFile& file, DigestKind kind);
  ~PrefixHasher();  // stops where it is
  PrefixHasher(PrefixHasher&&) noexcept;
  PrefixHasher& operator=(PrefixHasher&&) noexcept;

  void advance(std::uint64_t prefix);  // so many bytes from the beginning are there
  [[nodiscard]] std::uint64_t hashed() const;
  // Requires all bytes there; waits for the rest of the work.
  // Errors   Io, Cancelled.
  [[nodiscard]] Result<Digest> finish(const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llama::internal
