// Texts whose common beginning is computed once, beside each computed whole.
#include <format>

#include "embedder.h"
#include "llama-core/kernels.h"
#include "llama-loader/model_loader.h"
#include "test_models.h"

namespace llama {
namespace {

constexpr const char* kPrompt = "Instruct: Given a web search query, find the passages that answer it\nQuery:";

struct Computed {
  std::vector<internal::EmbeddedText> texts;
  std::uint64_t batches = 0;
};

Computed compute(const std::shared_ptr<const EmbeddingModel>& model, const std::vector<std::string>& texts, bool share,
                 std::int32_t batch_size = 64) {
  std::vector<std::vector<Token>> tokens;
  for (const std::string& text : texts) tokens.push_back(model->tokenize(text)->tokens);
  const std::vector<std::span<const Token>> views(tokens.begin(), tokens.end());
  internal::Embedder embedder(model, batch_size);
  embedder.share_prefixes(share);
  auto embedded = embedder.embed(views, {});
  EXPECT_TRUE(embedded) << embedded.error().message;
  return {.texts = embedded ? std::move(*embedded) : std::vector<internal::EmbeddedText>(texts.size()),
          .batches = embedder.batches()};
}

std::vector<std::string> prompted(std::size_t count, std::size_t letters) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(std::format("{}{} is {}", kPrompt, i * 7919 % 1000, std::string(i % letters, 'a')));
  }
  return texts;
}

struct Case {
  const char* what;
  std::vector<std::string> texts;
  bool fewer_batches;  // with what the texts begin with computed once
};

std::vector<Case> cases() {
  const std::string prompt = kPrompt, word = "hello world", longer(200, 'b');
  std::vector<std::string> unprompted, mixed = prompted(100, 20), none;
  for (const std::string& text : prompted(1000, 30)) unprompted.push_back(text.substr(prompt.size()));
  for (std::size_t i = 0; i < mixed.size(); i += 9) mixed[i] += longer + longer;
  for (int i = 0; i < 40; ++i) none.push_back(std::format("{}{}", static_cast<char>('a' + i % 26), prompt));
  return {{"prompts", prompted(1000, 30), true},
          {"no prompts", unprompted, false},
          {"one text", {prompt + word}, false},
          {"two texts", {prompt + word, prompt + "the"}, false},
          {"equal but for the last token", {longer + word + "a", longer + word + "b", longer + word + "c"}, true},
          {"one is the beginning of the others", {prompt, prompt + word, prompt + word + longer, prompt}, false},
          {"texts of any length, some more than a pass", mixed, true},
          {"nothing in common but what follows", none, false},
          {"a prompt of more than a pass",
           {prompt + longer + longer + longer + "a", prompt + longer + longer + longer},
           true}};
}

struct Kernels {
  explicit Kernels(const std::string& name) : chosen(choose_kernels(name).has_value()) {}
  ~Kernels() { EXPECT_TRUE(choose_kernels("auto")); }
  bool chosen;
};

class PrefixSharing : public testing::TestWithParam<const char*> {};

TEST_P(PrefixSharing, ChangesNoVector) {
  const Kernels kernels(GetParam());
  if (!kernels.chosen) GTEST_SKIP() << "this CPU has no " << GetParam();
  const bool exact = kernels_in_use().starts_with("packed");
  // One thread: those of ggml's own team wait for each other busily, which takes long on a machine with other work.
  const auto model = load("qwen3.gguf", [](auto& c) {
    c.threads = 1;
    c.token_budget = 512;
  });
  for (const Case& one : cases()) {
    const Computed shared = compute(model, one.texts, true), whole = compute(model, one.texts, false);
    for (std::size_t i = 0; i < one.texts.size(); ++i) {
      ASSERT_EQ(shared.texts[i].vector.size(), 64u) << one.what << " " << i;
      EXPECT_GT(cosine(shared.texts[i].vector, whole.texts[i].vector), 0.9999) << one.what << " " << i;
      if (exact) {
        ASSERT_EQ(shared.texts[i].vector, whole.texts[i].vector) << one.what << " " << i;
      }
    }
    EXPECT_EQ(shared.batches < whole.batches, one.fewer_batches)
        << one.what << ": " << shared.batches << " and " << whole.batches;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, PrefixSharing,
                         testing::Values("stock", "avx2", "avx-vnni", "avx512-vnni", "avx512-bf16", "amx-bf16", "neon",
                                         "neon-dotprod", "neon-i8mm", "neon-bf16"),
                         [](const auto& level) {
                           std::string name = level.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(SharedPrefixOfAModel, IsThereForTheLastTokensVectorOfACausalModelOnly) {
  const auto texts = prompted(200, 10);
  struct Row {
    const char* model;
    Pooling pooling;
    bool shares;
  };
  for (const Row& row : {Row{"qwen3.gguf", Pooling::Last, true}, Row{"qwen3.gguf", Pooling::Mean, false},
                         Row{"llama.gguf", Pooling::Last, true}, Row{"bert.gguf", Pooling::Mean, false},
                         Row{"bert.gguf", Pooling::Last, false}, Row{"bert.gguf", Pooling::Cls, false}}) {
    const auto model = load(row.model, [&](auto& c) {
      c.pooling = row.pooling;
      c.token_budget = 512;
    });
    EXPECT_EQ(compute(model, texts, true).batches < compute(model, texts, false).batches, row.shares) << row.model;
  }
}

TEST(SharedPrefixOfAModel, LeavesTheOtherTextsTheirVectorsWhereOneHasNone) {
  const auto model = load("qwen3-nan-z.gguf");
  auto texts = prompted(60, 10);
  for (std::size_t i = 0; i < texts.size(); i += 7) texts[i] += "z";
  for (const char* kernels : {"auto", "stock"}) {
    const Kernels chosen(kernels);
    const Computed shared = compute(model, texts, true), whole = compute(model, texts, false);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(shared.texts[i].vector.empty(), i % 7 == 0) << i;
      if (i % 7 != 0) {
        EXPECT_GT(cosine(shared.texts[i].vector, whole.texts[i].vector), 0.9999) << i;
      }
    }
  }
  // Nor where the prompt itself has the word: then no text has a vector, and each was tried alone.
  for (std::string& text : texts) text.insert(0, "zz");
  texts.resize(internal::kMaxNotFinite - 1);
  for (const auto& text : compute(model, texts, true).texts) EXPECT_TRUE(text.vector.empty());
}

// A trial plans its passes with the prefix, and all texts get their vectors from it.
TEST(SharedPrefixOfAModel, IsComputedOncePerPassWhileTheBudgetIsMeasured) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "shared_prefix_of_a_model";
  std::filesystem::remove_all(folder);
  const auto model =
      load("qwen3.gguf", [&](auto& c) { c.loader = std::make_shared<const ModelLoader>(CacheManager(folder)); });
  const auto texts = prompted(1000, 40);
  const Computed shared = compute(model, texts, true), whole = compute(model, texts, false);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_GT(cosine(shared.texts[i].vector, whole.texts[i].vector), 0.9999) << i;
  }
}

}  // namespace
}  // namespace llama
