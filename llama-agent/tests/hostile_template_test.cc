// Templates that want to take the program down, or all of its memory, or for ever.
#include <gtest/gtest.h>

#include <format>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocations.h"
#include "llama-agent/chat_template.h"
#include "template_texts.h"

namespace llama {
namespace {

std::string repeated(std::string_view word, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += word;
  return text;
}

// A value that doubles with every turn of a loop.
std::string doubling(std::string_view first, std::string_view twice) {
  return std::format(
      "{{% set ns = namespace(x={}) %}}{{% for i in range(60) %}}{{% set ns.x = {} %}}{{% endfor %}}"
      "{{{{ ns.x }}}}",
      first, twice);
}

// What an untrusted file may hold: each is refused, and says for what.
TEST(HostileTemplate, IsRefusedForItsBound) {
  struct Row {
    std::string name, source, reason;
  };
  const std::vector<Row> rows{
      {"loops in loops", repeated("{% for a in range(900) %}", 3) + repeated("{% endfor %}", 3),
       "more than 500000 steps"},
      {"a macro that calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "macros call each other"},
      {"a range without end", "{% for i in range(1000000000) %}{% endfor %}", "a range of more than"},
      {"brackets in brackets", "{{ " + repeated("(", 100'000) + " }}", "brackets more than 64 deep"},
      {"signs", "{{ " + repeated("-", 100'000) + "1 }}", "more than 1500 words"},
      {"exclamations", "{% if " + repeated("!", 10'000) + "x %}{% endif %}", "more than 1500 words"},
      {"negations", "{{ " + repeated("not ", 50'000) + "x }}", "more than 1500 words"},
      {"a sum", "{{ 1" + repeated("+1", 50'000) + " }}", "more than 1500 words"},
      {"a long text at once", "{% set x = 'a' * 1000000000000 %}{{ x }}", "more than 8388608 bytes"},
      {"doubling by ~", doubling("'ab'", "ns.x ~ ns.x"), "bytes"},
      {"doubling by +", doubling("'ab'", "ns.x + ns.x"), "bytes"},
      {"doubling by replace", doubling("'ab'", "ns.x.replace('a', 'aa')"), "bytes"},
      {"squaring by replace", doubling("'ab'", "ns.x.replace('a', ns.x)"), "bytes"},
      {"a sum of numbers", "{{ 9223372036854775807 + 1 }}", "a sum is too large"},
      {"a difference of numbers", "{{ -9223372036854775807 - 2 }}", "a sum is too large"},
      {"doubling a list", doubling("[1]", "ns.x + ns.x"), "bytes"},
      {"nesting a list", doubling("[1]", "[ns.x, ns.x]"), "bytes"},
      {"joining a list", doubling("['ab']", "[ns.x | join(ns.x | join), ns.x | join]"), "bytes"},
      {"doubling by macros",
       "{% macro f(x) %}{{ x ~ x }}{% endmacro %}{{ " + repeated("f(", 28) + "'aaaaaaaa'" + repeated(")", 28) + " }}",
       "more than 8388608 bytes"},
      {"blocks in blocks", repeated("{% if 1 %}", 5'000), "blocks more than 64 deep"},
      {"a tag without end", "{% for", "a tag without an end"},
      {"an expression without end", "{{ x", "a tag without an end"},
      {"a remainder of 0", "{{ 1 % 0 }}", "a division by 0"},
      {"a quotient by 0", "{{ 1 // 0 }}", "a division by 0"},
      {"a division by 0", "{{ 1 / (1 - 1) }}", "a division by 0"},
      {"a quotient that is too large", "{{ (-9223372036854775807 - 1) // -1 }}", "a quotient is too large"},
      {"a product in a product", "{{ 1 * ('a' * 1000000000000) }}", "more than 8388608 bytes"},
      {"a slice by 0", "{{ 'abc'[::0] }}", "a slice goes by 0"},
      {"a loop of texts", "{% for i in range(400000) %}" + repeated("x", 100'000) + "{% endfor %}",
       "it writes more than"},
      {"the same in a variable",
       "{% set x %}{% for i in range(400000) %}" + repeated("x", 100'000) + "{% endfor %}{% endset %}",
       "it writes more than"},
      {"a variable in a loop",
       "{% set x = 'a' * 8000000 %}{% set y %}{% for i in range(400000) %}{{ x }}{% endfor %}{% endset %}",
       "it writes more than"},
      {"doubling by two at once",
       "{% set a = 'a' * 1000000 %}{% for i in [1] %}" + repeated("{% set a, b = [a ~ a, 1] %}", 4) + "{% endfor %}",
       "bytes"},
      {"doubling by loops",
       "{% set a = 'a' * 1000000 %}" + repeated("{% for b in [a ~ a] %}{% for a in [b ~ b] %}", 2) +
           repeated("{% endfor %}", 4),
       "bytes"},
      {"a wide indentation", "{{ 'a\nb' | indent(8000000000) }}", "more than 8388608 bytes"},
      {"a range by its end", "{% for i in range(end=1000000000000) %}{% endfor %}", "a range of more than"},
      {"a range at the end of all numbers",
       "{% for i in range(9223372036854775806, 9223372036854775807, 2) %}{{ i }}{% endfor %}{{ raise_exception('over') "
       "}}",
       "over"},
      {"ranges in a loop", "{% for i in range(1000) %}{% if range(400000) | length %}{% endif %}{% endfor %}",
       "more than 500000 steps"},
      {"a function of ours", "{% set llama_step = namespace %}", "a name that begins with"},
      {"the same by its name", "{{ [1] | map('llama_leave') | list }}", "no such filter"},
      {"a block that calls itself",
       "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{{ caller() }}{% endcall %}",
       "macros call each other"},
      {"macros that go deep", "{% macro f(x) %}{{ " + repeated("not ", 1'400) + "f(x) }}{% endmacro %}{{ f(1) }}",
       "macros call each other"},
      {"a turn of a loop that is over",
       "{% set n = namespace() %}{% for i in [1, 2] %}{% set n.c = loop.cycle %}{% endfor %}{{ n.c() }}",
       "an argument is missing"},
      {"lists in lists",
       "{% set a = [] %}{% set b = [1] %}{% for i in range(400) %}{% set _ = a.append([b.pop()]) %}"
       "{% set _ = b . append ([a.pop()]) %}{% endfor %}",
       "bytes"},
      {"JSON in JSON", "{% set x = '[' * 1000000 %}{{ x | from_json }}", "nested too deep"},
      {"a long word", "{{ " + repeated("a", 100'000) + " }}", "more than 200 characters"},
      {"a comment in a tag", "{{ 1 # 2 }}", "a '#' in a tag"},
      {"a long source", repeated("x", 300 * 1024), "at most 262144 are read"},
      {"a NUL", std::string("a\0b", 3), "NUL"},
  };
  for (const auto& [name, source, reason] : rows) {
    const std::string failure = failure_of(source);
    EXPECT_TRUE(failure.contains(reason)) << name << ": '" << failure << "'";
    EXPECT_EQ(failure.find('\n'), std::string::npos) << name;
  }
}

TEST(HostileTemplate, MayHoldAnyTextOutsideOfTags) {
  for (const std::string& text : {repeated("(", 100'000), repeated("}}", 1'000), repeated("-", 1'000)}) {
    EXPECT_EQ(text_of(text), text);
  }
  // minja's regular expressions would call themselves for each of these characters.
  for (const std::string& text : {repeated("x", 200'000), "x" + repeated(" ", 200'000) + "x"}) {
    EXPECT_EQ(text_of("{% set x = 1 %}" + text + "{{- x }}"), text + "1");
    EXPECT_EQ(text_of("{% set x = '" + text + "' %}{{ x }}"), text);
    EXPECT_EQ(text_of("{# " + text + "#}{{ 1 }}"), "1");
  }
  EXPECT_EQ(text_of("x" + repeated(" ", 200'000) + "{{- 1" + repeated(" ", 50'000) + "-}} \n2"), "x12");
  EXPECT_EQ(text_of("{% raw %}{{ '\xff' }} {# \\ #}{% endraw %}"), "{{ '\xff' }} {# \\ #}");
}

TEST(HostileTemplate, IsToldInWholeCharacters) {
  std::string reason = "x";
  for (int i = 0; i < 400; ++i) reason += "é";
  const std::string failure = failure_of("{{ raise_exception('" + reason + "') }}");
  EXPECT_TRUE(failure.contains("xé")) << failure;
  EXPECT_TRUE(failure.ends_with("é\uFFFD")) << failure;
}

// A macro, and a block that is given to one, hold the conversation that they were rendered with.
TEST(ChatTemplate, LeavesNothingBehindWhereItHasMacros) {
  const auto chat = ChatTemplate::parse(
      {.source = "{% macro f(x) %}<{{ x }}{{ caller() if caller }}>{% endmacro %}{% for m in messages %}"
                 "{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ g(m.role) }}{% call f(m.role) %}!{% endcall %}"
                 "{% if m.content == 'x' %}{{ raise_exception('x') }}{% endif %}{% endfor %}"});
  ASSERT_TRUE(chat) << chat.error().message;
  const std::vector<Message> turns{{.content = std::string(100'000, 'a')}, {.content = "x"}};
  EXPECT_EQ(joined(*chat->render(question("hello"), {})), "<user><user!>");
  for (int i = 0; i < 3; ++i) {
    const long before = allocations_held;
    EXPECT_TRUE(chat->render(std::span(turns).first(1), {}));
    EXPECT_FALSE(chat->render(turns, {}));
    // What is made once is made in the first round.
    if (i > 0) {
      EXPECT_EQ(allocations_held, before);
    }
  }
}

// Whatever is held at once within one expression: operands, elements of a list, arguments of a call.
TEST(HostileTemplate, HoldsLittleWithinAnExpression) {
  const auto list = [](std::string_view before, std::string_view between, std::string_view after) {
    std::string all = "{% set x = 'a' * 8000000 %}{% if " + std::string(before) + "x";
    for (int i = 0; i < 250; ++i) all += std::vformat(between, std::make_format_args(i));
    return all + std::string(after) + " %}{% endif %}";
  };
  const std::vector<std::string> sources{
      list("", " ~ x", ""),
      list("", " + x", ""),
      list("1 ~ (", " ~ x", ")"),
      list("[", ", x", "]"),
      list("(", ", x", ")"),
      list("namespace(a=", ", a{}=x", ")"),
      list("{'a': ", ", 'a{}': x", "}"),
      list("[x, [", ", x", "]]"),
      "{% set x = 'a' * 8000000 %}{% if range(400000) | map('replace', '1', x) %}{% endif %}",
      "{% set x = 'a' * 8000000 %}{% if [{}, {}, {}] | map(attribute='a', default=x) %}{% endif %}",
      "{% set x = ', ' * 4000000 %}{% if x.split(',') %}{% endif %}",
      "{% set x = 'a' * 8000000 %}{% for c in x %}{% break %}{% endfor %}",
      "{% set x = 'a' * 8000000 %}{% set n = namespace(l=[]) %}{% for i in range(1000) %}{% set _ = n.l.append(x) %}"
      "{% endfor %}",
  };
  for (const auto& source : sources) {
    most_bytes_held = bytes_held;
    const auto before = bytes_held;
    EXPECT_NE(failure_of(source), "") << source.substr(0, 200);
    EXPECT_LT((most_bytes_held - before) >> 20, 700) << source.substr(0, 200);
  }
}

// The parser looked through all that follows at each word, and each `continue` counts the lines of all that there is.
TEST(HostileTemplate, OfManyTagsIsReadAndGoesNoFurther) {
  const auto filled = [](std::string_view tag) { return repeated(tag, static_cast<int>(260'000 / tag.size())); };
  for (const std::string_view tag : {"{{ x }}", "{{ f(a.b, c=d ~ e) if f is defined else 1 }}"}) {
    const auto parsed = ChatTemplate::parse({.source = filled(tag)});
    EXPECT_TRUE(parsed || !parsed.error().message.contains("parsed")) << parsed.error().message;
  }
  EXPECT_NE(failure_of(filled("{{ " + repeated("a + ", 700) + "a }}")), "");
  EXPECT_TRUE(failure_of(filled("{% if 0 %}{% endif %}") + "{% for i in range(400000) %}{% continue %}{% endfor %}")
                  .contains("for too long"));
  EXPECT_TRUE(failure_of("{% set x = range(100000) | list %}{% for i in range(100000) %}"
                         "{% for j in x if false %}{% endfor %}{% endfor %}")
                  .contains("for too long"));
}

// What holds itself is freed by nobody.
TEST(HostileTemplate, HasNoListThatHoldsItself) {
  const std::vector<std::string> sources{
      "{% set a = [1] %}{% set _ = a.append(a) %}",
      "{% set a = [] %}{% set _ = a.append([[a]]) %}",
      "{% set a = [] %}{% set b = [a] %}{% set _ = a.insert(0, {'x': b}) %}",
      "{% set n = namespace(x=1) %}{% set n.x = n %}",
      "{% set n = namespace(x=1) %}{% set n . x = [n] %}",
      "{% set n = namespace(l=[]) %}{% set _ = n.l.append(n) %}",
      "{% set d = {'a': 1} %}{% set _ = d.update({'b': [d]}) %}",
      "{% set l = [] %}{% for i in [l, [], l] %}{% set _ = i.append(loop) %}{% endfor %}",
  };
  for (const auto& source : sources) {
    for (int i = 0; i < 3; ++i) {
      const long before = allocations_held;
      EXPECT_TRUE(failure_of(source).contains("would hold itself")) << source;
      // What is made once is made in the first round.
      if (i > 0) {
        EXPECT_EQ(allocations_held, before) << source;
      }
    }
  }
  EXPECT_EQ(text_of("{% set a = [1] %}{% set b = [a, a] %}{% set _ = b.append(a) %}{{ b }}"), "[[1], [1], [1]]");
  EXPECT_EQ(text_of("{% set n = namespace(l=[]) %}{% set m = namespace(n=n) %}{% set n.l = [n.l, m.n.l] %}{{ n.l }}"),
            "[[], []]");
}

}  // namespace
}  // namespace llama
