#include "llama-core/generation_context.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace llama {
namespace {

std::shared_ptr<const Model> load_generator(const char* name) {
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / name;
  auto model = Model::load(std::span(&path, 1));
  EXPECT_TRUE(model) << model.error().message;
  return model.value_or(nullptr);
}

GenerationContext make(const std::shared_ptr<const Model>& model, std::int32_t sequences = 2) {
  auto context = GenerationContext::create(
      model, {.context_tokens = 256, .max_sequences = sequences, .batch_tokens = 64, .threads = 2});
  EXPECT_TRUE(context) << context.error().message;
  return std::move(*context);
}

const std::vector<Token> kText{5, 17, 9, 33, 21, 8, 40, 12};

std::vector<PlacedToken> placed(std::span<const Token> tokens, std::int32_t sequence, std::int32_t from) {
  std::vector<PlacedToken> all;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    all.push_back({tokens[i], sequence, from + static_cast<std::int32_t>(i), i + 1 == tokens.size()});
  }
  return all;
}

std::vector<float> logits_after(GenerationContext& context, std::span<const Token> tokens, std::int32_t sequence,
                                std::int32_t from) {
  const auto batch = placed(tokens, sequence, from);
  const auto computed = context.decode(batch);
  EXPECT_TRUE(computed) << computed.error().message;
  const auto logits = context.logits(batch.size() - 1);
  EXPECT_TRUE(logits);
  return {logits->begin(), logits->end()};
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

constexpr double kSame = 2e-2;  // other batch shapes round otherwise

TEST(GenerationContext, RemembersWhatItRead) {
  auto context = make(load_generator("generator.gguf"));
  const auto whole = logits_after(context, kText, 0, 0);
  EXPECT_EQ(context.length(0), 8);
  // In two parts, in another sequence.
  const auto first = std::span(kText).first(5), rest = std::span(kText).subspan(5);
  static_cast<void>(logits_after(context, first, 1, 0));
  EXPECT_LT(largest_difference(logits_after(context, rest, 1, 5), whole), kSame);
}

TEST(GenerationContext, CutsSharesAndClears) {
  auto context = make(load_generator("generator.gguf"));
  const auto whole = logits_after(context, kText, 0, 0);
  ASSERT_TRUE(context.cut(0, 5));
  EXPECT_EQ(context.length(0), 5);
  context.share(0, 1, 5);
  EXPECT_EQ(context.length(1), 5);
  const auto rest = std::span(kText).subspan(5);
  EXPECT_LT(largest_difference(logits_after(context, rest, 0, 5), whole), kSame);
  EXPECT_LT(largest_difference(logits_after(context, rest, 1, 5), whole), kSame);
  context.clear(0);
  EXPECT_EQ(context.length(0), 0);
  EXPECT_EQ(context.length(1), 8);
}

TEST(GenerationContext, SavesAndRestores) {
  const auto model = load_generator("generator.gguf");
  auto context = make(model);
  const auto whole = logits_after(context, kText, 0, 0);
  ASSERT_TRUE(context.cut(0, 5));
  const auto bytes = context.save(0, MemoryPart::Whole);
  ASSERT_TRUE(bytes) << bytes.error().message;
  context.clear(0);
  ASSERT_TRUE(context.restore(1, *bytes, MemoryPart::Whole));
  EXPECT_EQ(context.length(1), 5);
  EXPECT_LT(largest_difference(logits_after(context, std::span(kText).subspan(5), 1, 5), whole), kSame);
  const std::vector<std::byte> rubbish(100, std::byte{7});
  EXPECT_FALSE(context.restore(0, rubbish, MemoryPart::Whole));
}

TEST(GenerationContext, SaysWhatDoesNotFit) {
  auto context = make(load_generator("generator.gguf"));
  std::vector<Token> long_text(60, 7);
  for (std::int32_t part = 0; part < 4; ++part) {
    ASSERT_TRUE(context.decode(placed(long_text, 0, 60 * part)));
  }
  const auto full = context.decode(placed(long_text, 1, 0));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::ContextFull);
  EXPECT_EQ(context.length(0), 240);
  EXPECT_EQ(context.length(1), 0);
  const std::vector<Token> too_many(65, 7);
  EXPECT_EQ(context.decode(placed(too_many, 1, 0)).error().code, ErrorCode::InvalidArgument);
  const std::vector<Token> unknown{1 << 30};
  EXPECT_EQ(context.decode(placed(unknown, 1, 0)).error().code, ErrorCode::InvalidArgument);
}

TEST(GenerationContext, TakesTokensOnlyAtTheEndOfASequence) {
  auto context = make(load_generator("generator.gguf"));
  static_cast<void>(logits_after(context, kText, 0, 0));
  for (const std::int32_t position : {-1, 0, 7, 9}) {
    const auto refused = context.decode(placed(kText, 0, position));
    ASSERT_FALSE(refused) << position;
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  }
  const std::vector<PlacedToken> twice{{5, 0, 8, false}, {6, 1, 0, false}, {7, 0, 8, true}};
  EXPECT_EQ(context.decode(twice).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(context.length(0), 8);
  EXPECT_EQ(context.length(1), 0);
  EXPECT_TRUE(context.decode(placed(kText, 0, 8)));
}

TEST(GenerationContext, HasNoMoreSequencesThanItWasMadeFor) {
  auto context = make(load_generator("generator.gguf"));
  static_cast<void>(logits_after(context, kText, 0, 0));
  const auto saved = context.save(0, MemoryPart::Whole);
  ASSERT_TRUE(saved);
  for (const std::int32_t none : {-1, 2, 1 << 20}) {
    EXPECT_EQ(context.decode(placed(kText, none, 0)).error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(context.cut(none, 0));
    context.clear(none);
    context.share(0, none, 8);
    context.share(none, 1, 8);
    EXPECT_EQ(context.length(none), 0);
    EXPECT_EQ(context.save(none, MemoryPart::Whole).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(context.restore(none, *saved, MemoryPart::Whole).error().code, ErrorCode::InvalidArgument);
  }
  EXPECT_EQ(context.length(0), 8);
  EXPECT_EQ(context.length(1), 0);
}

TEST(GenerationContext, ForgetsARecurrentStateThatWasSpoilt) {
  const auto model = load_generator("mamba.gguf");
  ASSERT_TRUE(model->is_recurrent());
  auto context = make(model);
  const auto whole = logits_after(context, kText, 1, 0);
  static_cast<void>(logits_after(context, std::span(kText).first(5), 0, 0));
  std::stop_source stop;
  stop.request_stop();
  ASSERT_FALSE(context.decode(placed(std::span(kText).subspan(5), 0, 5), stop.get_token()));
  EXPECT_EQ(context.length(0), 0);
  EXPECT_EQ(context.length(1), 8);
  EXPECT_LT(largest_difference(logits_after(context, kText, 0, 0), whole), kSame);
}

TEST(GenerationContext, CanBeStopped) {
  auto context = make(load_generator("generator.gguf"));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = context.decode(placed(kText, 0, 0), stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST(GenerationContext, RefusesModelsThatOnlyEmbed) {
  const auto refused = GenerationContext::create(load_generator("bert.gguf"), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
}

TEST(GenerationContext, RefusesNumbersOutOfRange) {
  const auto model = load_generator("generator.gguf");
  for (const GenerationContextConfig& config :
       {GenerationContextConfig{.context_tokens = 0}, GenerationContextConfig{.max_sequences = 0},
        GenerationContextConfig{.batch_tokens = 0}, GenerationContextConfig{.threads = -1}}) {
    const auto refused = GenerationContext::create(model, config);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace llama
