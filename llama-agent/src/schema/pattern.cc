#include "pattern.h"

#include <re2/re2.h>

#include <array>
#include <cstdint>
#include <format>
#include <map>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::int64_t kMaxMatcherBytes = 8 << 20;
constexpr int kMaxOneRepetition = 1'000;  // of RE2
constexpr std::size_t kMaxPatternBytes = 64 << 10;
constexpr std::size_t kMaxWrittenBytes = 1 << 20;  // in RE2's words

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
    for (; most > kMaxOneRepetition && !too_large(); most -= kMaxOneRepetition) {
      append(std::format("{{{},{}}}", least, kMaxOneRepetition));
      least = 0;
    }
    append(std::format("{{{},{}}}", least, most));
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

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view text) {
  if (text.size() > kMaxPatternBytes) return fail(ErrorCode::InvalidArgument, "more than 64 KiB");
  auto expression = parse_regular_expression(text);
  if (!expression) return std::unexpected(expression.error());
  Re2Writer writer;
  const std::string words = writer.write(*expression);
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kMaxMatcherBytes);
  auto matcher = writer.too_large() ? nullptr : std::make_unique<const re2::RE2>(words, options);
  if (matcher == nullptr || !matcher->ok())
    return fail(ErrorCode::InvalidArgument, "more repetitions than can be matched");
  return std::shared_ptr<const Pattern>(new Pattern(std::string(text), std::move(*expression), std::move(matcher)));
}

bool Pattern::matches(std::string_view text) const { return re2::RE2::PartialMatch(text, *matcher_); }

std::shared_ptr<const Pattern> pattern_of_format(std::string_view format) {
  const std::string text = text_of_format(format);
  if (text.empty()) return nullptr;
  return Pattern::compile("^(?:" + text + ")$").value_or(nullptr);
}

}  // namespace llama::internal
