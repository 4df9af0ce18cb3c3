// A run that goes on elsewhere names all kernels and devices that its vectors are of.
#include "job/vector_sources.h"

#include "store_tests.h"

namespace llama::internal {
namespace {

TEST(VectorSources, AreThoseOfTheRunsBeforeToo) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  {
    auto journal = Journal::open(path, test_binding(), false);
    auto first = VectorSources::recall(journal->texts(), nullptr, "packed, avx2");
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_FALSE(first->has_other_kernels());
    EXPECT_EQ(first->kernels(), "packed, avx2");
    EXPECT_EQ(first->devices("CPU"), "CPU");
    ASSERT_TRUE(first->note("") && first->note("CPU") && first->note("CPU"));
    ASSERT_TRUE(journal->texts().add(std::vector{answered_number(1)}, 1));
  }
  // Of runs that computed nothing nothing is known.
  for (const char* kernels : {"packed, avx512", "stock"}) {
    auto journal = Journal::open(path, test_binding(), false);
    auto next = VectorSources::recall(journal->texts(), nullptr, kernels);
    ASSERT_TRUE(next);
    EXPECT_TRUE(next->has_other_kernels());
    EXPECT_EQ(next->kernels(), std::format("packed, avx2; {}", kernels));
    EXPECT_EQ(next->devices("CPU"), "CPU");
    EXPECT_EQ(next->devices("Vulkan0"), "CPU; Vulkan0");
  }
  // A device that is left on the way has one name with what it is left for.
  for (const char* device : {"Vulkan0", "Vulkan0, CPU"}) {
    auto journal = Journal::open(path, test_binding(), false);
    auto next = VectorSources::recall(journal->texts(), nullptr, "stock");
    ASSERT_TRUE(next->note(device));
    EXPECT_EQ(next->own(), (VectorSource{"stock", device}));
  }
  auto journal = Journal::open(path, test_binding(), false);
  const auto last = VectorSources::recall(journal->texts(), nullptr, "packed, avx2");
  EXPECT_EQ(last->kernels(), "stock; packed, avx2");
  EXPECT_EQ(last->devices("CPU"), "Vulkan0; Vulkan0, CPU; CPU");
}

TEST(VectorSources, AreThoseOfTheVectorStoreAndStayInTheJournal) {
  const StoreFolder folder;
  const auto path = folder.path / "journal";
  {
    auto store = VectorStore::open(folder.path / "vectors", "model", 1);
    ASSERT_TRUE(store) << store.error().message;
    store->insert(digest_number(1), {.vector = {1.0F}});
    ASSERT_TRUE(store->keep({.kernels = "stock", .device = "CUDA0"}));
    auto journal = Journal::open(path, test_binding(), false);
    ASSERT_TRUE(VectorSources::recall(journal->texts(), &*store, "packed, avx2"));
  }
  auto journal = Journal::open(path, test_binding(), false);
  const auto sources = VectorSources::recall(journal->texts(), nullptr, "packed, avx2");
  EXPECT_EQ(sources->kernels(), "stock; packed, avx2");
  EXPECT_EQ(sources->devices("CPU"), "CUDA0; CPU");
}

TEST(VectorSources, OfAnOlderVersionsJournalAreUnknown) {
  const StoreFolder folder;
  auto journal = Journal::open(folder.path / "journal", test_binding(), false);
  ASSERT_TRUE(journal->texts().add(std::vector{answered_number(1)}, 1));
  const auto sources = VectorSources::recall(journal->texts(), nullptr, "stock");
  EXPECT_EQ(sources->kernels(), "unknown; stock");
  EXPECT_EQ(sources->devices("CPU"), "unknown; CPU");
}

}  // namespace
}  // namespace llama::internal
