#include "llama-core/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace llama {
namespace {

std::shared_ptr<const Model> model() {
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / "qwen3.gguf";
  auto loaded = Model::load(std::span(&path, 1));
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded.value_or(nullptr);
}

// Logits of four tokens with the probabilities 0.5, 0.25, 0.15, 0.1 (tokens 10 to 13); no other can come.
std::vector<float> four(const Model& of) {
  std::vector<float> logits(static_cast<std::size_t>(of.vocabulary_size()), -1e9F);
  const double shares[] = {0.5, 0.25, 0.15, 0.1};
  for (std::size_t i = 0; i < 4; ++i) logits[10 + i] = static_cast<float>(std::log(shares[i]));
  return logits;
}

constexpr int kDraws = 8000;

std::map<Token, double> shares(const SamplingConfig& config) {
  const auto vocabulary = model();
  const auto logits = four(*vocabulary);
  auto sampler = Sampler::create(vocabulary, config);
  EXPECT_TRUE(sampler) << sampler.error().message;
  std::map<Token, double> counts;
  for (int i = 0; i < kDraws; ++i) counts[sampler->sample(logits).value()] += 1.0 / kDraws;
  return counts;
}

const SamplingConfig kPlain{.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 7};
constexpr double kNear = 0.025;  // more than four standard deviations of a share of 8,000 draws

TEST(Sampler, DrawsAsTheLogitsSay) {
  auto found = shares(kPlain);
  EXPECT_NEAR(found[10], 0.5, kNear);
  EXPECT_NEAR(found[11], 0.25, kNear);
  EXPECT_NEAR(found[12], 0.15, kNear);
  EXPECT_NEAR(found[13], 0.1, kNear);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplingConfig config = kPlain;
  config.temperature = 0.5F;  // shares to the power of 2
  const double sum = 0.25 + 0.0625 + 0.0225 + 0.01;
  auto sharp = shares(config);
  EXPECT_NEAR(sharp[10], 0.25 / sum, kNear);
  EXPECT_NEAR(sharp[13], 0.01 / sum, kNear);
  config.temperature = 2;  // to the power of 1/2
  const double roots = std::sqrt(0.5) + std::sqrt(0.25) + std::sqrt(0.15) + std::sqrt(0.1);
  auto flat = shares(config);
  EXPECT_NEAR(flat[10], std::sqrt(0.5) / roots, kNear);
  EXPECT_NEAR(flat[13], std::sqrt(0.1) / roots, kNear);
}

TEST(Sampler, TopPCutsTheTail) {
  SamplingConfig config = kPlain;
  config.top_p = 0.7F;
  auto found = shares(config);
  EXPECT_EQ(found.size(), 2);
  EXPECT_NEAR(found[10], 2.0 / 3, kNear);
}

TEST(Sampler, TopKAndMinPCutTheTail) {
  SamplingConfig config = kPlain;
  config.top_k = 3;
  EXPECT_EQ(shares(config).size(), 3);
  config = kPlain;
  config.min_p = 0.4F;  // of 0.5: at least 0.2
  EXPECT_EQ(shares(config).size(), 2);
}

TEST(Sampler, WithoutTemperatureTheLikeliestComes) {
  SamplingConfig config = kPlain;
  config.temperature = 0;
  EXPECT_EQ(shares(config).size(), 1);
  EXPECT_NEAR(shares(config).at(10), 1.0, 1e-6);
}

TEST(Sampler, TheSameSeedDrawsTheSame) {
  const auto vocabulary = model();
  const auto logits = four(*vocabulary);
  const auto draws = [&](std::uint32_t seed) {
    SamplingConfig config = kPlain;
    config.seed = seed;
    auto sampler = Sampler::create(vocabulary, config);
    std::vector<Token> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(sampler->sample(logits).value());
    return tokens;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
}

TEST(Sampler, PenaltiesMakeRepetitionsRare) {
  const auto vocabulary = model();
  auto logits = four(*vocabulary);
  for (std::size_t i = 10; i < 14; ++i) logits[i] += 10;  // a penalty divides what is above 0
  SamplingConfig config = kPlain;
  config.temperature = 0;
  config.repeat_penalty = 1.5F;
  auto sampler = Sampler::create(vocabulary, config);
  ASSERT_TRUE(sampler);
  const Token seen[] = {10};
  sampler->see(seen);
  EXPECT_EQ(sampler->sample(logits).value(), 11);
}

TEST(Sampler, RefusesWhatIsNoSetting) {
  const auto vocabulary = model();
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  for (const SamplingConfig& config :
       {SamplingConfig{.temperature = nan}, SamplingConfig{.temperature = -1}, SamplingConfig{.temperature = infinite},
        SamplingConfig{.top_p = nan}, SamplingConfig{.top_p = 1.5F}, SamplingConfig{.min_p = -0.1F},
        SamplingConfig{.repeat_penalty = 0}, SamplingConfig{.top_k = -1}}) {
    const auto sampler = Sampler::create(vocabulary, config);
    ASSERT_FALSE(sampler);
    EXPECT_EQ(sampler.error().code, ErrorCode::InvalidArgument);
  }
}

TEST(Sampler, ReportsLogitsThatAreNoNumbers) {
  const auto vocabulary = model();
  auto sampler = Sampler::create(vocabulary, kPlain);
  std::vector<float> logits = four(*vocabulary);
  EXPECT_EQ(sampler->sample(std::span(logits).first(3)).error().code, ErrorCode::InvalidArgument);
  std::ranges::fill(logits, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(sampler->sample(logits).error().code, ErrorCode::Internal);
}

TEST(Sampler, ReportsInfiniteLogitsButLetsATokenBeRuledOut) {
  const auto vocabulary = model();
  const float infinite = std::numeric_limits<float>::infinity();
  for (const float temperature : {0.0F, 0.7F}) {
    auto sampler = Sampler::create(vocabulary, {.temperature = temperature});
    ASSERT_TRUE(sampler);
    std::vector<float> logits(static_cast<std::size_t>(vocabulary->vocabulary_size()), 0.0F);
    logits[3] = infinite;
    const auto refused = sampler->sample(logits);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Internal);
    EXPECT_TRUE(refused.error().message.contains("infinite")) << refused.error().message;
    std::ranges::fill(logits, -infinite);
    EXPECT_EQ(sampler->sample(logits).error().code, ErrorCode::Internal);
    logits[5] = 1;
    EXPECT_EQ(sampler->sample(logits), 5) << "all others are ruled out";
  }
}

TEST(Sampler, TakesAnotherGrammarInTheMiddleOfAText) {
  const auto vocabulary = model();
  auto sampler = Sampler::create(vocabulary, {.temperature = 0});
  ASSERT_TRUE(sampler);
  const auto digits = Grammar::parse(vocabulary, "root ::= [0-9]+"),
             letters = Grammar::parse(vocabulary, "root ::= [a-c]+");
  ASSERT_TRUE(digits && letters);
  const std::vector<float> logits(static_cast<std::size_t>(vocabulary->vocabulary_size()), 0.0F);
  const auto next = [&] { return vocabulary->piece(sampler->sample(logits).value(), SpecialTokens::Parse); };
  for (int i = 0; i < 2; ++i) {
    sampler->set_grammar(std::move(digits->copy().value()));
    EXPECT_EQ(next().find_first_not_of("0123456789"), std::string::npos);
    sampler->set_grammar(std::move(letters->copy().value()));
    EXPECT_EQ(next().find_first_not_of("abc"), std::string::npos);
    EXPECT_EQ(next().find_first_not_of("abc"), std::string::npos);
  }
}

TEST(Grammar, HoldsTheModelToIt) {
  const auto vocabulary = model();
  auto grammar = Grammar::parse(vocabulary, "root ::= [a-c]{2}");
  ASSERT_TRUE(grammar) << grammar.error().message;
  EXPECT_FALSE(grammar->may_end());
  auto sampler = Sampler::create(vocabulary, kPlain, std::move(*grammar));
  ASSERT_TRUE(sampler);
  const std::vector<float> logits(static_cast<std::size_t>(vocabulary->vocabulary_size()), 0.0F);
  std::string text;
  for (int i = 0; i < 3; ++i) {
    const auto token = sampler->sample(logits);
    ASSERT_TRUE(token) << token.error().message;
    if (vocabulary->ends_generation(*token)) break;
    text += vocabulary->piece(*token, SpecialTokens::Parse);
  }
  EXPECT_EQ(text.size(), 2);
  EXPECT_EQ(text.find_first_not_of("abc"), std::string::npos);
  EXPECT_TRUE(sampler->may_end());
}

TEST(Grammar, RefusesWhatIsNone) {
  const auto vocabulary = model();
  for (const char* text : {"", "  \n", "root ::= (", "root ::= undefined-rule", "nothing", "root ::= root \"a\"",
                           "root ::= \"\xe2\"", "root ::= [\xff]", "# \xc0\xaf\nroot ::= \"a\""}) {
    const auto grammar = Grammar::parse(vocabulary, text);
    ASSERT_FALSE(grammar) << text;
    EXPECT_EQ(grammar.error().code, ErrorCode::InvalidArgument);
  }
}

std::string refusal(std::string_view gbnf) {
  const auto grammar = Grammar::parse(model(), gbnf);
  return grammar ? "" : grammar.error().message;
}

// llama.cpp prints these on standard error, crashes or does not come back.
TEST(Grammar, SaysWhereItIsWrong) {
  EXPECT_EQ(refusal("root ::= \"a\" b"), "the grammar is wrong in row 1, column 14: there is no rule 'b'");
  EXPECT_EQ(refusal("root ::= a\na ::= (\"x\" | y]\ny ::= \"\""),
            "the grammar is wrong in row 2, column 15: ')' is missing");
  EXPECT_EQ(refusal("root ::= \"a"), "the grammar is wrong in row 1, column 12: '\"' is missing");
  EXPECT_EQ(refusal("root = \"a\""), "the grammar is wrong in row 1, column 6: '::=' is missing");
  EXPECT_EQ(refusal("root ::= * \"a\""), "the grammar is wrong in row 1, column 10: there is nothing to repeat");
  EXPECT_EQ(refusal("root ::= \"\\q\""), "the grammar is wrong in row 1, column 11: no such escape");
  EXPECT_EQ(refusal("root ::= \"a\"{3,2}"),
            "the grammar is wrong in row 1, column 18: the repetitions end before they begin");
  EXPECT_EQ(refusal("root ::= \"\"*"), "the grammar is wrong in row 1, column 12: there is nothing to repeat");
  EXPECT_TRUE(refusal("root ::= " + std::string(200'000, '(')).contains("deep"));
  std::string chain = "root ::= r0\nr0 ::= \"a\"\n", doubling = "root ::= r0\n";
  for (int i = 0; i < 5'000; ++i) chain += std::format("r{} ::= r{}\n", i + 1, i);
  EXPECT_TRUE(refusal(chain).contains("deep"));
  for (int i = 0; i < 40; ++i) doubling += std::format("r{} ::= r{} | r{}\n", i, i + 1, i + 1);
  EXPECT_TRUE(refusal(doubling + "r40 ::= \"a\"").contains("ways"));
  EXPECT_TRUE(refusal("root ::= ((\"a\"?){0,30}){0,30}").contains("ways"));
  EXPECT_EQ(refusal("root ::= expr\nexpr ::= ws expr \"+\" num | num\nws ::= [ ]*\nnum ::= [0-9]+"),
            "the grammar's rule 'expr' begins with itself");
  EXPECT_EQ(refusal("root ::= (\"\" root)? \"a\""), "the grammar's rule 'root' begins with itself");
  EXPECT_TRUE(
      refusal("root ::= \"" + std::string(1'000'000, 'x') + "\"{1999}").contains("more than 32000000 elements"));
  EXPECT_TRUE(refusal("root ::= \"" + std::string(30'000, 'x') + "\"{40}{40}").contains("elements"));
  EXPECT_TRUE(refusal("root ::= [" + std::string(20'000, 'x') + "]{0,1999}").contains("elements"));
}

// "an" begins in the literal and reaches over the named token's place: llama.cpp lets it pass, and aborts later.
TEST(Grammar, GoesOnAfterATokenThatItRefuses) {
  const auto vocabulary = model();
  const auto token = [&](const char* text) { return vocabulary->tokenize_part(text, SpecialTokens::Text)->front(); };
  const Token a = token("a"), an = token("an");
  ASSERT_EQ(vocabulary->piece(an, SpecialTokens::Text), "an");
  auto grammar = Grammar::parse(vocabulary, "root ::= \"a\" !<[7]>*");
  ASSERT_TRUE(grammar) << grammar.error().message;
  auto sampled = grammar->copy();
  EXPECT_EQ(grammar->accept(an).error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(grammar->may_end());
  EXPECT_TRUE(grammar->accept(a));
  EXPECT_FALSE(grammar->accept(7));
  EXPECT_TRUE(grammar->accept(an));
  EXPECT_TRUE(grammar->may_end());
  auto sampler = Sampler::create(vocabulary, {.temperature = 0}, std::move(*sampled));
  ASSERT_TRUE(sampler);
  std::vector<float> logits(static_cast<std::size_t>(vocabulary->vocabulary_size()), 0.0F);
  logits[static_cast<std::size_t>(an)] = 2;
  logits[static_cast<std::size_t>(a)] = 1;
  EXPECT_EQ(sampler->sample(logits), a);
  EXPECT_EQ(sampler->sample(logits), an);
}

TEST(Grammar, TakesEverythingThatLlamaCppDocuments) {
  for (const char* gbnf : {
           "# a comment\nroot ::= (\n  \"a\" # why\n  | b )+ \"\"\r\nb ::= [^\\]a-z\\-\\x41\\u00e9] . [0-9]*\n",
           "root ::= \"a\"{2} \"b\"{2,} \"c\"{ 0 , 3 } (\"d\"?)* \"\\U0001F600\\n\\\"\"",
           "root ::=\n  x |\n  y\nx ::= \"x\"\n\n\ny ::= [äöü]+ | \"\"\n",
           "root ::= \"a\" root{0} | ([ ]* \"b\" root)? \"c\"",
           "root ::= [a-z]{0,1999} ([0-9]{2,} \"x\"){3,500} \"\u00e4\"{1000,} \"y\"{0,100000}",
           "root ::= value-1\nvalue-1 ::= \"{\" (value-1 (\",\" value-1)*)? \"}\"",
       }) {
    EXPECT_EQ(refusal(gbnf), "") << gbnf;
  }
}

}  // namespace
}  // namespace llama
