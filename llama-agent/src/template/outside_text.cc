#include "outside_text.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "outside_forms.h"

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOpening = "Xq";

// Names of functions, types and properties: templates compare and sort them.
bool is_name(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '$';
         });
}

class Replacer {
 public:
  Replacer(Replaced how, std::string_view template_source) : how_(how), template_(template_source) {}

  // always: also what looks like a name.
  void replace(Json& value, bool always) {
    auto& text = value.get_ref<std::string&>();
    if (text.empty() || (!always && how_ != Replaced::Everything && is_name(text))) return;
    done_.sources.push_back(text);
    std::vector<std::string_view> parts =
        how_ == Replaced::BetweenMarkers ? split_at_markers(text, template_) : std::vector<std::string_view>{text};
    // Parts take turns: text, marker, text, …; a text that is nothing but markers is replaced as a whole.
    bool has_text = false;
    for (std::size_t i = 0; i < parts.size(); i += 2) has_text = has_text || !parts[i].empty();
    if (!has_text) parts = {text};
    std::string replaced, markers;
    OutsideText* last = nullptr;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i % 2 == 1 || parts[i].empty()) {
        replaced += parts[i];
        markers += parts[i];
        continue;
      }
      if (last != nullptr) last->after = markers;
      done_.texts.push_back({.word = placeholder(done_.texts.size()),
                             .text = std::string(parts[i]),
                             .before = std::exchange(markers, {}),
                             .after = {},
                             .source = done_.sources.size()});
      last = &done_.texts.back();
      replaced += last->word;
    }
    if (last != nullptr) last->after = markers;
    text = replaced;
  }

  // All strings of a value, and the keys that are more than names.
  void replace_all(Json& value) {
    if (value.is_string()) {
      replace(value, false);
    } else if (value.is_array()) {
      for (auto& element : value) replace_all(element);
    } else if (value.is_object()) {
      Json changed = Json::object();
      for (auto& [key, member] : value.items()) {
        replace_all(member);
        Json name = key;
        if (!is_name(key)) replace(name, true);
        changed[name.get<std::string>()] = std::move(member);
      }
      value = std::move(changed);
    }
  }

  void replace_message(Json& message) {
    done_.last_of_reply = 0;
    for (auto& [key, value] : message.items()) {
      if (key == "role") continue;
      if (key != "content" && key != "reasoning_content") {
        replace_all(value);
        continue;
      }
      if (!value.is_string() || value.get_ref<const std::string&>().empty()) continue;
      replace(value, true);
      const bool is_content = key == "content";
      if (is_content || done_.last_of_reply == 0) done_.last_of_reply = done_.sources.size();
    }
  }

  Replacement take() { return std::move(done_); }

 private:
  Replaced how_;
  std::string_view template_;
  Replacement done_;
};

// The marked prompt: the template's own text, and the places of texts from outside.
struct Place {
  std::string own;
  const OutsideText* outside = nullptr;
};

std::vector<Place> places_of(std::string_view marked, std::span<const OutsideText> texts) {
  std::vector<Place> all;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = marked.find(kOpening, at)) != std::string_view::npos;) {
    const std::string_view rest = marked.substr(at);
    std::size_t number = 0;
    const auto read = std::from_chars(rest.data() + kOpening.size(), rest.data() + rest.size(), number);
    if (read.ec != std::errc() || number >= texts.size() || !rest.starts_with(texts[number].word)) {
      at += kOpening.size();
      continue;
    }
    if (at > begin) all.push_back({.own = std::string(marked.substr(begin, at - begin))});
    all.push_back({.own = {}, .outside = &texts[number]});
    begin = at += texts[number].word.size();
  }
  if (begin < marked.size()) all.push_back({.own = std::string(marked.substr(begin))});
  return all;
}

// Markers that stood next to a part of a text, and still do, are from outside as that is.
void add_own(std::vector<Stretch>& stretches, std::string_view own, const OutsideText* before,
             const OutsideText* after) {
  std::size_t front = 0, back = 0;
  if (before != nullptr && !before->after.empty() && own.starts_with(before->after)) front = before->after.size();
  const std::string_view rest = own.substr(front);
  if (after != nullptr && !after->before.empty() && rest.ends_with(after->before)) back = after->before.size();
  if (front > 0) stretches.push_back({std::string(own.substr(0, front)), before->source});
  if (front + back < own.size()) stretches.push_back({std::string(own.substr(front, own.size() - front - back))});
  if (back > 0) stretches.push_back({std::string(own.substr(own.size() - back)), after->source});
}

}  // namespace

std::string placeholder(std::size_t i) {
  thread_local std::mt19937_64 random{std::random_device()()};
  std::string word = std::format("{}{}q", kOpening, i);
  for (int k = 0; k < 20; ++k) word += static_cast<char>('a' + random() % 26);
  return word + "X";
}

Replacement replace_outside(Json& variables, Replaced how, std::string_view markers_of) {
  Replacer replacer(how, markers_of);
  for (auto& [key, value] : variables.items()) {
    if (key == "bos_token" || key == "eos_token") continue;
    if (key != "messages") {
      replacer.replace_all(value);
      continue;
    }
    for (auto& message : value) replacer.replace_message(message);
  }
  return replacer.take();
}

// Each place's text can stand in the prompt in a few forms: as it is, trimmed, escaped as JSON. The first form that
// fits is tried; where what follows does not fit, the next one. A place and a position that led nowhere once are not
// tried again, so the cost is at most places times forms times the prompt's length.
std::vector<Stretch> aligned(std::string_view plain, std::string_view marked, const Replacement& what) {
  const std::vector<Place> places = places_of(marked, what.texts);
  struct Choice {
    std::size_t place, at, form;
    std::vector<std::string> forms;
  };
  std::vector<Choice> choices;
  std::vector<std::size_t> begins(places.size() + 1);
  std::set<std::pair<std::size_t, std::size_t>> dead;
  std::size_t place = 0, at = 0;
  const auto back = [&] {
    while (!choices.empty()) {
      Choice& last = choices.back();
      for (++last.form; last.form < last.forms.size(); ++last.form) {
        if (!plain.substr(last.at).starts_with(last.forms[last.form])) continue;
        place = last.place + 1;
        at = last.at + last.forms[last.form].size();
        return true;
      }
      dead.emplace(last.place, last.at);
      choices.pop_back();
    }
    return false;
  };
  for (;;) {
    begins[place] = at;
    if (place == places.size()) {
      if (at == plain.size()) break;
      if (!back()) return {};
      continue;
    }
    const Place& here = places[place];
    if (here.outside == nullptr) {
      if (plain.substr(at).starts_with(here.own)) {
        at += here.own.size();
        ++place;
      } else if (!back()) {
        return {};
      }
      continue;
    }
    if (!dead.contains({place, at})) {
      choices.push_back({.place = place, .at = at, .form = std::size_t(-1), .forms = forms_of(here.outside->text)});
    }
    if (!back()) return {};
  }
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string_view text = plain.substr(begins[i], begins[i + 1] - begins[i]);
    if (text.empty()) continue;
    if (places[i].outside != nullptr) {
      stretches.push_back({std::string(text), places[i].outside->source});
    } else {
      add_own(stretches, text, i > 0 ? places[i - 1].outside : nullptr,
              i + 1 < places.size() ? places[i + 1].outside : nullptr);
    }
  }
  return stretches;
}

std::vector<Stretch> looked_for(std::string_view plain, const Replacement& what) {
  std::vector<std::size_t> owner(plain.size(), 0);
  const auto claim = [&](std::size_t begin, std::size_t size, std::size_t source) {
    std::fill_n(owner.begin() + static_cast<std::ptrdiff_t>(begin), size, source);
  };
  // Words without a marker are plain text whoever says them: texts with markers have to be found, and what goes on.
  for (std::size_t i = 0; i < what.sources.size(); ++i) {
    const bool goes_on = i + 1 == what.last_of_reply;
    const auto markers = markers_in(what.sources[i]);
    const auto forms = markers.empty() && !goes_on ? std::vector<std::string>() : forms_of(what.sources[i]);
    for (const auto& form : forms) {
      const std::size_t last = form.empty() ? std::string_view::npos : plain.rfind(form);
      if (last == std::string_view::npos) continue;
      if (goes_on) claim(last, form.size(), i + 1);
      for (std::size_t at = 0; !markers.empty() && (at = plain.find(form, at)) != std::string_view::npos;) {
        claim(at, form.size(), i + 1);
        at += form.size();
      }
      if (goes_on) break;
    }
    for (const auto marker : markers) {
      for (std::size_t at = 0; (at = plain.find(marker, at)) != std::string_view::npos; at += marker.size()) {
        claim(at, marker.size(), i + 1);
      }
    }
  }
  std::vector<Stretch> stretches;
  for (std::size_t begin = 0; begin < plain.size();) {
    std::size_t end = begin;
    while (end < plain.size() && owner[end] == owner[begin]) ++end;
    stretches.push_back({std::string(plain.substr(begin, end - begin)), owner[begin]});
    begin = end;
  }
  return stretches;
}

}  // namespace llama::internal
