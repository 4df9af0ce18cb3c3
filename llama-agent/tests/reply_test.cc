#include "../src/reply/reply.h"

#include <gmock/gmock.h>

#include <cmath>
#include <format>
#include <random>

#include "../src/engine/log_probabilities.h"
#include "llama-base/utf8_stream.h"

namespace llama::internal {
namespace {

using testing::ElementsAre;

struct Told {
  std::string text, thinking;
  std::int32_t tokens = 0;
  std::optional<FinishReason> finish;
};

// Feeds the text in pieces that end at the given places.
Told tell(const ReplyRules& rules, const std::vector<std::string>& pieces) {
  Reply reply(rules);
  Told told;
  const auto take = [&](const StreamChunk& chunk) {
    EXPECT_EQ(whole_characters(chunk.text), chunk.text);
    std::string text, thinking;
    for (const auto& event : chunk.events) {
      if (const auto* part = std::get_if<TextEvent>(&event)) text += part->text;
      if (const auto* part = std::get_if<ThinkingEvent>(&event)) thinking += part->text;
    }
    EXPECT_EQ(text, chunk.text) << "the events say the same";
    EXPECT_EQ(thinking, chunk.thinking);
    told.text += chunk.text;
    told.thinking += chunk.thinking;
    told.tokens += chunk.tokens;
  };
  for (const auto& piece : pieces) {
    take(reply.push({.bytes = piece}));
    if (reply.finished()) break;
  }
  reply.finish(FinishReason::EndOfSequence);
  take(reply.flush());
  EXPECT_EQ(told.text, reply.answer());
  EXPECT_EQ(told.thinking, reply.thinking());
  told.finish = reply.finished();
  return told;
}

std::vector<std::string> random_pieces(const std::string& text, std::mt19937& random) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = 1 + random() % 5;
    pieces.push_back(text.substr(at, length));
    at += length;
  }
  return pieces;
}

TEST(StopStrings, NeverShowAPartOfOneAndLoseNothing) {
  ReplyRules rules;
  rules.stopping.stop_strings = {"STOP", "\n\nUser:", "字🙂"};
  struct Row {
    std::string text, shown;
    FinishReason finish;
  };
  const std::vector<Row> rows{
      {"one two STOP three", "one two ", FinishReason::StopString},
      {"one STO two", "one STO two", FinishReason::EndOfSequence},
      {"one STO", "one STO", FinishReason::EndOfSequence},
      {"SSTOP", "S", FinishReason::StopString},
      {"ends\n\nUser", "ends\n\nUser", FinishReason::EndOfSequence},
      {"ends\n\n\nUser: x", "ends\n", FinishReason::StopString},
      {"漢字🙂", "漢", FinishReason::StopString},
      {"漢字🙃", "漢字🙃", FinishReason::EndOfSequence},
  };
  std::mt19937 random(2);
  for (const auto& row : rows) {
    for (int i = 0; i < 50; ++i) {
      const auto told = tell(rules, random_pieces(row.text, random));
      EXPECT_EQ(told.text, row.shown) << row.text;
      EXPECT_EQ(told.finish, row.finish) << row.text;
    }
  }
}

TEST(ThinkingFormat, AnySplitPartsThoughtFromAnswer) {
  struct Row {
    std::string text;
    bool open;
    std::string thinking, answer;
  };
  const std::vector<Row> rows{
      {"<think>\nI see.\n</think>\n\nYes.", false, "I see.", "Yes."},
      {"\n<think></think>Yes.", false, "", "Yes."},
      {"I see.\n\nMore \n</think>\n\n Yes. <think>no", true, "I see.\n\nMore", "Yes. <think>no"},
      {"Yes <think>x</think>", false, "", "Yes <think>x</think>"},
      {"<thin", false, "", "<thin"},
      {"<think>never closed ", false, "never closed ", ""},
      {"  plain", false, "", "  plain"},
  };
  std::mt19937 random(3);
  for (const auto& row : rows) {
    ReplyRules rules;
    rules.format_options = {.thinking_opener = "<think>", .thinking_closer = "</think>", .thinking_is_open = row.open};
    for (int i = 0; i < 50; ++i) {
      const auto told = tell(rules, random_pieces(row.text, random));
      EXPECT_EQ(told.thinking, row.thinking) << row.text;
      EXPECT_EQ(told.text, row.answer) << row.text;
    }
  }
}

TEST(Reply, EndsAtItsTokenLimitAndCountsEveryToken) {
  ReplyRules rules;
  rules.stopping.max_tokens = 3;
  const auto told = tell(rules, {"a", "b", "c", "d"});
  EXPECT_EQ(told.text, "abc");
  EXPECT_EQ(told.tokens, 3);
  EXPECT_EQ(told.finish, FinishReason::TokenLimit);
}

TEST(Reply, DropsACharacterThatTheLimitCutInTwo) {
  ReplyRules rules;
  rules.stopping.max_tokens = 2;
  EXPECT_EQ(tell(rules, {"a", "\xE6\xBC"}).text, "a");
  EXPECT_EQ(tell({}, {"a", "\xE6\xBC"}).text, "a\uFFFD");
}

TEST(Reply, ShowsANulAsAReplacementCharacter) {
  const auto told = tell({}, {"a", std::string(1, '\0'), "b"});
  EXPECT_EQ(told.text, "a\uFFFDb");
}

TEST(Reply, EndsWhereTheModelSpellsTheEndOfItsTurnOut) {
  ReplyRules rules;
  rules.end_texts = {"<|im_end|>"};
  const auto told = tell(rules, {"Yes.<|im", "_end|>", "no"});
  EXPECT_EQ(told.text, "Yes.");
  EXPECT_EQ(told.finish, FinishReason::EndOfSequence);
}

TEST(Reply, AsksTheCallersRules) {
  ReplyRules rules;
  rules.stopping.rules = {[](std::string_view answer, std::int32_t) -> std::optional<std::string> {
    if (answer.contains('?')) return "a question";
    return std::nullopt;
  }};
  Reply reply(rules);
  EXPECT_EQ(reply.push({.bytes = "Why"}).text, "Why");
  EXPECT_EQ(reply.push({.bytes = "?"}).text, "?");
  EXPECT_EQ(reply.finished(), FinishReason::StopRule);
  EXPECT_EQ(reply.finish_detail(), "a question");
}

TEST(Reply, PairsLogProbabilitiesWithTheTextTheyBecame) {
  ReplyRules rules;
  rules.stopping.stop_strings = {"xyz"};
  Reply reply(rules);
  const auto logprob = [](std::string bytes) { return TokenLogProb{std::move(bytes), -1, {}}; };
  EXPECT_THAT(reply.push({.bytes = "x", .logprob = logprob("x")}).logprobs, ElementsAre());
  const auto chunk = reply.push({.bytes = "a", .logprob = logprob("a")});
  EXPECT_EQ(chunk.text, "xa");
  ASSERT_EQ(chunk.logprobs.size(), 2U);
  EXPECT_EQ(chunk.tokens, 2);
}

TEST(RepetitionDetector, FindsAPatternAtTheEndOfTheText) {
  struct Row {
    std::string text;
    bool repeats;
  };
  const std::string pattern = "the same old words. ";
  const std::vector<Row> rows{
      {"Start. " + pattern + pattern + pattern, true},
      {"Start. " + pattern + pattern, false},
      {"다시 말하지만 같은 말이다. 다시 말하지만 같은 말이다. 다시 말하지만 같은 말이다. ", true},
      {"------------------------------", true},
      {"-----------------------------", false},
      {"All of these words are different from one another, are they not?", false},
  };
  for (const auto& row : rows) {
    RepetitionDetector detector{RepetitionConfig{}};
    bool found = false;
    for (std::size_t i = 0; i < row.text.size();) {
      std::size_t n = 1;
      while (i + n < row.text.size() && (static_cast<unsigned char>(row.text[i + n]) & 0xC0U) == 0x80U) ++n;
      found = found || detector.push(row.text.substr(i, n)).has_value();
      i += n;
    }
    EXPECT_EQ(found, row.repeats) << row.text;
  }
}

TEST(LogProbabilities, AreTheSoftmaxOfTheLogits) {
  const std::vector<float> logits{1, 3, 2, -1};
  const auto found = log_probabilities(logits, 0, 2);
  ASSERT_EQ(found.size(), 3U);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  EXPECT_NEAR(found[0].logprob, 1 - std::log(sum), 1e-5);
  EXPECT_EQ(found[1].token, 1);
  EXPECT_NEAR(found[1].logprob, 3 - std::log(sum), 1e-5);
  EXPECT_EQ(found[2].token, 2);
}

TEST(GenerationRequest, RefusesEveryNumberOutOfItsBounds) {
  const auto with = [](auto change) {
    GenerationRequest request;
    change(request);
    return check(request).has_value();
  };
  EXPECT_TRUE(with([](auto&) {}));
  EXPECT_FALSE(with([](auto& r) { r.stopping.max_tokens = 0; }));
  EXPECT_FALSE(with([](auto& r) { r.stopping.max_tokens = 32'769; }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.temperature = 2.1F; }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.temperature = std::nanf(""); }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.top_p = INFINITY; }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.top_p = -0.1F; }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.top_k = -1; }));
  EXPECT_FALSE(with([](auto& r) { r.sampling.repeat_penalty = 0.0F; }));
  EXPECT_FALSE(with([](auto& r) { r.stopping.stop_strings.assign(21, "x"); }));
  EXPECT_FALSE(with([](auto& r) { r.stopping.stop_strings = {std::string(101, 'x')}; }));
  EXPECT_FALSE(with([](auto& r) { r.stopping.stop_strings = {""}; }));
  EXPECT_FALSE(with([](auto& r) { r.logprobs = 21; }));
  EXPECT_FALSE(with([](auto& r) { r.grammar = "root ::= \"a\"", r.json_schema = "{}"; }));
  EXPECT_FALSE(with([](auto& r) { r.grammar = "root ::= \"a\"", r.tools = "[]"; }));
  EXPECT_FALSE(with([](auto& r) { r.stopping.repetition = RepetitionConfig{.min_repetitions = 1}; }));
}

TEST(ToolChoice, IsCheckedAgainstTheToolsThatAreOffered) {
  using enum ToolChoice::Kind;
  const std::string two = R"([{"type": "function", "function": {"name": "look"}}, {"name": "files.read-all"}])";
  const auto said = [](std::string tools, ToolChoice choice) {
    GenerationRequest request;
    request.tools = std::move(tools);
    request.tool_choice = std::move(choice);
    const auto checked = check(request);
    return checked ? std::string("good") : checked.error().message;
  };
  const std::pair<std::string, std::string> rows[] = {
      {said(two, {}), "good"},
      {said(two, {.kind = None}), "good"},
      {said("", {.kind = None}), "good"},
      {said(two, {.kind = Required, .several = false}), "good"},
      {said(two, {.kind = Named, .name = "files.read-all"}), "good"},
      {said(two, {.kind = Named, .name = "loook"}), "'loook', which is not offered: look, files.read-all"},
      {said(two, {.kind = Named}), "names no tool"},
      {said(two, {.kind = Required, .name = "look"}), "names 'look' and is not of the kind"},
      {said("", {.kind = Required}), "no tools are offered"},
      {said("[]", {.kind = Named, .name = "look"}), "no tools are offered"},
      {said("{}", {}), "no JSON array"},
      {said("[{}]", {}), "tool definition 1 has no name"},
      {said(R"([{"name": ""}])", {}), "a name that is empty"},
      {said(R"([{"name": "look at"}])", {}), "spaces"},
      {said(R"([{"name": "a"}, {"function": {"name": "a"}}])", {}), "two tools are called 'a'"},
      {said(std::string(100'000, '['), {}), "too deep"},
      {said(std::format(R"([{{"name": "{}"}}])", std::string(129, 'a')), {}), "longer than 128 bytes"},
  };
  for (const auto& [got, wanted] : rows) EXPECT_TRUE(got.contains(wanted)) << got << "\n  lacks: " << wanted;
}

}  // namespace
}  // namespace llama::internal
