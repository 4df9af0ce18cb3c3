#include "pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <format>
#include <ranges>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

constexpr std::int64_t kMaxMatcherBytes = 8 << 20;
constexpr int kMaxOneRepetition = 1'000;  // of RE2
constexpr int kMaxOptionalBlocks = 40;    // twice the digits of the largest number of repetitions
constexpr std::size_t kMaxPatternBytes = 64 << 10;
constexpr std::size_t kMaxWrittenBytes = 1 << 20;  // in RE2's words
constexpr std::size_t kWorkOfAnInstruction = 25;
constexpr std::size_t kWorkOfATooLargeOne = 6'000'000;

// How often RE2 may come to one place in two ways, repetitions written out: where many such places lie in a row, it
// takes time with the square of their number to compile them.
double joins_of(const RegularExpression& expression) {
  using Kind = RegularExpression::Kind;
  double joins = 0;
  for (const auto& part : expression.parts) joins += joins_of(part);
  switch (expression.kind) {
    case Kind::Characters:
    case Kind::Sequence:
    case Kind::Choice:
      return joins;
    case Kind::Repetition: {
      if (expression.most == RegularExpression::kEndless) return joins * std::max(1, expression.least) + 1;
      const int optional = expression.most - expression.least;
      return joins * expression.most + (optional > kMaxOneRepetition ? kMaxOptionalBlocks : optional);
    }
    default:
      return 1;
  }
}

// RE2's words for our tree: classes are written out, so that both mean the same by \s and by a dot.
class Re2Writer {
 public:
  std::string write(const RegularExpression& expression) {
    using Kind = RegularExpression::Kind;
    if (written_ > kMaxWrittenBytes) return {};
    std::string text;
    switch (expression.kind) {
      case Kind::Begin:
        return R"(\A)";
      case Kind::End:
        return R"(\z)";
      case Kind::WordEdge:
        return R"(\b)";
      case Kind::NoWordEdge:
        return R"(\B)";
      case Kind::Characters:
        if (expression.characters.empty()) return R"([^\x{0}-\x{10FFFF}])";
        for (const auto& [first, last] : expression.characters.ranges()) {
          text += std::format(R"(\x{{{:X}}}-\x{{{:X}}})", static_cast<unsigned>(first), static_cast<unsigned>(last));
        }
        written_ += text.size();
        return "[" + text + "]";
      case Kind::Sequence:
        for (const auto& part : expression.parts) text += write(part);
        return text;
      case Kind::Choice:
        for (const auto& part : expression.parts) text += (text.empty() ? "(?:" : "|") + write(part);
        return text + ")";
      case Kind::Repetition:
        return repeated("(?:" + write(expression.parts[0]) + ")", expression.least, expression.most);
    }
    return text;
  }

  [[nodiscard]] bool too_large() const { return written_ > kMaxWrittenBytes; }

 private:
  // More than RE2 repeats is written as several repetitions.
  std::string repeated(const std::string& part, int least, int most) {
    std::string text;
    const auto append = [&](const std::string& times) { text += part + times, written_ += part.size(); };
    for (; least > kMaxOneRepetition && !too_large(); least -= kMaxOneRepetition) {
      append(std::format("{{{}}}", kMaxOneRepetition));
      if (most != RegularExpression::kEndless) most -= kMaxOneRepetition;
    }
    if (most == RegularExpression::kEndless) {
      append(std::format("{{{},}}", least));
      return text;
    }
    if (most <= kMaxOneRepetition) {
      append(std::format("{{{},{}}}", least, most));
      return text;
    }
    const auto append_times = [&](int times) {
      for (; times > kMaxOneRepetition && !too_large(); times -= kMaxOneRepetition)
        append(std::format("{{{}}}", kMaxOneRepetition));
      append(std::format("{{{}}}", times));
    };
    append_times(least);
    // Up to n more, as blocks of which each may be missing: 1, 2, 4 … make every number up to their sum, and one that
    // makes up the rest comes first. The largest comes first, so that only few places are possible at once.
    int optional = most - least, sum = 0;
    std::vector<int> blocks;
    for (int block = 1; sum + block <= optional; block *= 2) blocks.push_back(block), sum += block;
    if (sum < optional) blocks.push_back(optional - sum);
    for (const int block : std::views::reverse(blocks)) {
      text += "(?:";
      append_times(block);
      text += ")?";
    }
    return text;
  }

  std::size_t written_ = 0;
};

constexpr std::string_view kDate = R"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))";
constexpr std::string_view kTime =
    R"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[-+](?:[01][0-9]|2[0-3]):[0-5][0-9]))";
constexpr std::string_view kByte = R"((?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]))";
constexpr std::string_view kLabel = R"([a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)";

std::string text_of_format(std::string_view format) {
  if (format == "date") return std::string(kDate);
  if (format == "time") return std::string(kTime);
  if (format == "date-time") return std::format("{}T{}", kDate, kTime);
  if (format == "duration") {
    return R"(P(?:[0-9]{1,6}W|(?:[0-9]{1,6}Y(?:[0-9]{1,6}M(?:[0-9]{1,6}D)?)?|[0-9]{1,6}M(?:[0-9]{1,6}D)?|[0-9]{1,6}D))"
           R"((?:T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|[0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9]{1,6}S))?|)"
           R"(T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|[0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9]{1,6}S)))";
  }
  if (format == "uuid") return "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  if (format == "ipv4") return std::format(R"({0}(?:\.{0}){{3}})", kByte);
  if (format == "ipv6") return "[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}";
  if (format == "hostname") return std::format(R"({0}(?:\.{0})*)", kLabel);
  if (format == "email") {
    return std::format(R"([a-zA-Z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{0}(?:\.{0})+)",
                       kLabel);
  }
  if (format == "uri") {
    return R"([a-zA-Z][-a-zA-Z0-9+.]*:(?:[-a-zA-Z0-9._~:/?#@!$&'()*+,;=]|%[0-9a-fA-F]{2})+)";
  }
  return {};
}

}  // namespace

Pattern::Pattern(std::string text, RegularExpression expression, std::unique_ptr<const re2::RE2> matcher)
    : text_(std::move(text)), expression_(std::move(expression)), matcher_(std::move(matcher)) {}
Pattern::~Pattern() = default;

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view text, SchemaWork& work) {
  if (text.size() > kMaxPatternBytes) return fail(ErrorCode::InvalidArgument, "more than 64 KiB");
  auto expression = parse_regular_expression(text, work);
  if (!expression) return std::unexpected(expression.error());
  Re2Writer writer;
  const std::string words = writer.write(*expression);
  const double joins = joins_of(*expression);
  work.spend(words.size() + static_cast<std::size_t>(std::min(joins * joins / 6, 1e12)));
  if (work.is_over()) return fail(ErrorCode::InvalidArgument, "more repetitions than can be read");
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kMaxMatcherBytes);
  auto matcher = writer.too_large() ? nullptr : std::make_unique<const re2::RE2>(words, options);
  work.spend(matcher != nullptr && matcher->ok()
                 ? kWorkOfAnInstruction * static_cast<std::size_t>(matcher->ProgramSize())
                 : kWorkOfATooLargeOne);
  if (matcher == nullptr || !matcher->ok())
    return fail(ErrorCode::InvalidArgument, "more repetitions than can be matched");
  return std::shared_ptr<const Pattern>(new Pattern(std::string(text), std::move(*expression), std::move(matcher)));
}

bool Pattern::matches(std::string_view text) const { return re2::RE2::PartialMatch(text, *matcher_); }

std::shared_ptr<const Pattern> pattern_of_format(std::string_view format, SchemaWork& work) {
  const std::string text = text_of_format(format);
  if (text.empty()) return nullptr;
  return Pattern::compile("^(?:" + text + ")$", work).value_or(nullptr);
}

}  // namespace llama::internal
