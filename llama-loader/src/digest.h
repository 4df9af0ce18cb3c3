// The digests by which the hub knows a file's content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace llama::internal {

enum class DigestKind {
  Sha256,   // of the bytes: files in large file storage
  GitBlob,  // SHA-1 of "blob SIZE\0" and the bytes: files in the repository itself
};

struct Digest {
  DigestKind kind = DigestKind::Sha256;
  std::string hex;  // lower case
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Computes one digest over bytes that come in order.
class Hasher {
 public:
  Hasher(DigestKind kind, std::uint64_t size);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] Digest finish();  // once; empty hex where OpenSSL lacks the kind

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llama::internal
