#include "llama-base/digest.h"

#include <openssl/evp.h>

#include <array>

namespace llama::internal {
namespace {

const EVP_MD* algorithm_of(DigestKind kind) {
  switch (kind) {
    case DigestKind::Sha256:
      return EVP_sha256();
    case DigestKind::GitBlob:
      return EVP_sha1();
    case DigestKind::Md5:
      return EVP_md5();
  }
  return nullptr;
}

}  // namespace

struct Hasher::State {
  struct FreeContext {
    void operator()(EVP_MD_CTX* opened) const noexcept { EVP_MD_CTX_free(opened); }
  };
  DigestKind kind;
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  bool sound = false;
};

Hasher::Hasher(DigestKind kind, std::uint64_t size_bytes) : state_(std::make_unique<State>(kind)) {
  state_->sound = state_->context && EVP_DigestInit_ex(state_->context.get(), algorithm_of(kind), nullptr) == 1;
  if (kind == DigestKind::GitBlob) {
    std::string head = "blob " + std::to_string(size_bytes);
    head += '\0';
    update(std::as_bytes(std::span(head)));
  }
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> bytes) {
  state_->sound = state_->sound && EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1;
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  Digest result{.kind = state_->kind, .hex = {}};
  if (!state_->sound || EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) != 1) return result;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned int i = 0; i < length; ++i) {
    result.hex += kDigits[digest[i] >> 4];
    result.hex += kDigits[digest[i] & 15];
  }
  return result;
}

Digest digest_of(std::string_view bytes, DigestKind kind) {
  Hasher hasher(kind, bytes.size());
  hasher.update(std::as_bytes(std::span(bytes)));
  return hasher.finish();
}

}  // namespace llama::internal
