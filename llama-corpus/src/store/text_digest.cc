#include "llama-corpus/text_digest.h"

#include <string>

#include "llama-base/digest.h"

namespace llama {
namespace {

unsigned value_of(char digit) { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

}  // namespace

Result<TextDigest> digest_of_text(std::string_view text) {
  const std::string hex = internal::digest_of(text, internal::DigestKind::Sha256).hex;
  TextDigest digest{};
  if (hex.size() < 2 * digest.size()) return fail(ErrorCode::OutOfMemory, "no memory to compute a digest");
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(value_of(hex[2 * i]) << 4 | value_of(hex[2 * i + 1]));
  }
  return digest;
}

}  // namespace llama
