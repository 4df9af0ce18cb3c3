#include "llama-base/digest.h"
#include "llama-embedding/embedding_result.h"

namespace llama {

std::string md5_hex(std::string_view bytes) { return internal::digest_of(bytes, internal::DigestKind::Md5).hex; }

}  // namespace llama
