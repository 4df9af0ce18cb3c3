// Tell text from outside from a template's own words in a prompt that was rendered.
//
// Messages, thoughts, calls, results and tool definitions come from outside; a special token that one of them spells
// out must stay text. A template writes all of it into one string. So it writes the conversation twice: once as it is,
// once with words that nobody can guess in place of every text from outside. Where both are the same but for those
// words, they show what is whose.
//
// Some texts decide what a template writes ("type": "string"; a thought inside an answer), so that the second writing
// would differ. Then it is tried again with less replaced: names are left alone, and texts are replaced only between
// the template's own markers. If nothing helps, the texts are looked for in what was written, and a marker that one of
// them holds counts as text wherever it stands.
// Cost     a rendering per attempt, at most three; the comparison reads each text a few times.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

// What stands in for the text number `i`: letters that no template looks at.
[[nodiscard]] std::string placeholder(std::size_t i);

// How much is replaced.
enum class Replaced { Everything, AllButNames, BetweenMarkers };

// A text from outside, or a part of one between two of the template's markers.
struct OutsideText {
  std::string word, text;     // the placeholder of this number, and what it stands for
  std::string before, after;  // markers of the same text around it, which were not replaced
  std::size_t source = 0;     // the number of the whole text
};

struct Replacement {
  std::vector<OutsideText> texts;
  std::vector<std::string> sources;  // the whole texts
  std::size_t last_of_reply = 0;  // the source that goes on where the last message does: 1 more than its number, or 0
};

// Replace what comes from outside in a template's variables.
[[nodiscard]] Replacement replace_outside(nlohmann::ordered_json& variables, Replaced how, std::string_view markers_of);

// A stretch of a prompt.
struct Stretch {
  std::string text;
  std::size_t source = 0;  // 1 more than the number of the text from outside that it is; 0: the template's own
};

// The stretches of `plain`, as `marked` tells them apart; together they are `plain`. None where the two differ in more.
[[nodiscard]] std::vector<Stretch> aligned(std::string_view plain, std::string_view marked, const Replacement& what);
// The same by looking for the texts.
[[nodiscard]] std::vector<Stretch> looked_for(std::string_view plain, const Replacement& what);

}  // namespace llama::internal
