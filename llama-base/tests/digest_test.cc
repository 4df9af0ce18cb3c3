#include "llama-base/digest.h"

#include <gtest/gtest.h>

#include <utility>

namespace llama::internal {
namespace {

// Expected values: printf hello | sha256sum; printf hello | git hash-object --stdin; printf hello | md5sum.
TEST(Digest, IsThatOfTheStandardTools) {
  const std::string text = "hello";
  for (const auto& [kind, hex] :
       {std::pair(DigestKind::Sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        {DigestKind::GitBlob, "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"},
        {DigestKind::Md5, "5d41402abc4b2a76b9719d911017c592"}}) {
    Hasher hasher(kind, text.size());
    hasher.update(std::as_bytes(std::span(text)).first(2));
    hasher.update(std::as_bytes(std::span(text)).subspan(2));
    EXPECT_EQ(hasher.finish().hex, hex);
    EXPECT_EQ(digest_of(text, kind).hex, hex);
  }
}

}  // namespace
}  // namespace llama::internal
