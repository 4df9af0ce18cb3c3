#include <gtest/gtest.h>

#include "llama-vectors/vector_index.h"
#include "vector_files.h"

namespace llama {
namespace {

// A path need not be UTF-8, and what an index says of it is.
TEST(FileIdentity, OfANameThatIsNotUtf8IsTheSameAgain) {
  const VectorFolder folder;
  const auto path = folder.path("caf\xe9 \xe2\x82.parquet");
  write_vectors(path, {.vectors = random_vectors(12, 4, 1), .texts = {}});
  const VectorFile file = open_file(path);
  const auto index = VectorIndex::build(file, {.threads = 1, .on_rows = {}, .on_measured = {}});
  ASSERT_TRUE(index) << index.error().message;
  ASSERT_TRUE(index->save(folder.path("a.hnsw"), file, 1));
  const auto read = VectorIndex::load(folder.path("a.hnsw"), open_file(path), 1);
  EXPECT_TRUE(read) << read.error().message;
}

}  // namespace
}  // namespace llama
