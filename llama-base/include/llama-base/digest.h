// Compute the digests by which contents are known: of files on a hub, of texts.
//
// Errors   an empty hex where OpenSSL lacks the kind (MD5 and SHA-1 in FIPS mode).
// Source   how git counts a blob: git help hash-object; the hub's files: huggingface_hub, file_download.py.
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
  Md5,      // of the bytes: a fingerprint for joining and deduplicating, no protection against an adversary
};

struct Digest {
  DigestKind kind = DigestKind::Sha256;
  std::string hex;  // lower case
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Computes one digest over bytes that come in order.
class Hasher {
 public:
  Hasher(DigestKind kind, std::uint64_t size_bytes);  // the size matters to GitBlob only
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same for bytes that are all there.
[[nodiscard]] Digest digest_of(std::string_view bytes, DigestKind kind);

}  // namespace llama::internal
