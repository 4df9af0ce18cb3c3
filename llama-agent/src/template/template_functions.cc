#include "template_functions.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "llama-base/json_shape.h"
#include "llama-base/utf8.h"
#include "python_json.h"
#include "template_values.h"

namespace llama::internal {

using minja::ArgumentsValue;
using minja::Context;
using minja::Value;

Value callable(TemplateFunction body) {
  return Value::callable([body = std::move(body)](const std::shared_ptr<Context>&, ArgumentsValue& arguments) {
    return body(arguments.args, arguments.kwargs);
  });
}

const Value& argument(const std::vector<Value>& arguments, std::size_t i) {
  if (i >= arguments.size()) throw std::runtime_error("an argument is missing");
  return arguments[i];
}

std::string text_of(const Value& value) { return value.is_null() ? std::string() : value.to_str(); }

void fail_template(const std::string& reason) { throw std::runtime_error(reason); }

void refuse_large(std::int64_t size) {
  if (size > kMaxValueSize) throw std::runtime_error(std::format("a value has more than {} bytes", kMaxValueSize));
}

namespace {

Value option(const std::vector<std::pair<std::string, Value>>& named, std::string_view name) {
  const auto found = std::ranges::find(named, name, &std::pair<std::string, Value>::first);
  return found == named.end() ? Value() : found->second;
}

Value split(const std::string& text, const Value& separator, std::int64_t limit, bool from_right) {
  std::vector<Value> parts;
  if (separator.is_null()) {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      parts.emplace_back(word);
      refuse_large(std::ssize(parts) * kElementBytes);
    }
    return Value::array(parts);
  }
  const auto mark = separator.get<std::string>();
  if (mark.empty()) throw std::runtime_error("empty separator");
  std::vector<std::string> found;
  std::string_view rest = text;
  while (limit != 0) {
    const std::size_t at = from_right ? rest.rfind(mark) : rest.find(mark);
    if (at == std::string::npos) break;
    found.emplace_back(from_right ? rest.substr(at + mark.size()) : rest.substr(0, at));
    rest = from_right ? rest.substr(0, at) : rest.substr(at + mark.size());
    --limit;
    refuse_large(std::ssize(found) * kElementBytes);
  }
  found.emplace_back(rest);
  if (from_right) std::ranges::reverse(found);
  for (const auto& part : found) parts.emplace_back(part);
  return Value::array(parts);
}

std::string python_format(std::string pattern, const std::vector<Value>& values) {
  std::string text;
  std::size_t next = 1;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{' && i + 1 < pattern.size() && pattern[i + 1] == '}') {
      text += text_of(argument(values, next++));
      ++i;
    } else {
      text += pattern[i];
    }
  }
  return text;
}

Value sorted(std::vector<Value> values, bool reverse) {
  std::ranges::stable_sort(values, [](const Value& a, const Value& b) { return a < b; });
  if (reverse) std::ranges::reverse(values);
  return Value::array(values);
}

void measure(const Value& value, ValueSize& found, int depth) {
  if (depth > kMaxValueDepth) found.size = kMaxValueSize + 1;
  if (found.size > kMaxValueSize) return;
  found.size += kElementBytes;
  ++found.elements;
  if (value.is_string()) {
    found.size += std::ssize(*value.get<const std::string*>());  // a copy would cost as much as the text is long
  } else if (value.is_array()) {
    const std::size_t count = value.size();
    for (std::size_t i = 0; i < count && found.size <= kMaxValueSize; ++i) measure(value.at(i), found, depth + 1);
  } else if (value.is_object()) {
    Value object = value;
    for (const auto& key : object.keys()) measure(object.at(key), found, depth + 1);
  }
}

Value replaced(const std::string& text, const std::string& from, const std::string& to) {
  // Braces would make a list of it.
  // NOLINTBEGIN(modernize-return-braced-init-list)
  if (from.empty()) return Value(text);
  std::string done;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(from, at)) != std::string::npos; at = found + from.size()) {
    done.append(text, at, found - at).append(to);
    refuse_large(std::ssize(done));
  }
  return Value(done + text.substr(at));
  // NOLINTEND(modernize-return-braced-init-list)
}

// As Jinja's: the first line is left alone, and so are empty ones.
Value indented(const std::string& text, std::int64_t width, bool first, bool blank) {
  if (width > kMaxValueSize) refuse_large(width);
  const std::string indentation(static_cast<std::size_t>(std::max<std::int64_t>(0, width)), ' ');
  std::string done;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (begin == 0 ? first : (blank || end > begin)) done += indentation;
    done.append(text, begin, end + (end < text.size() ? 1 : 0) - begin);
    refuse_large(std::ssize(done));
    begin = end + 1;
  }
  return Value(done);  // NOLINT(modernize-return-braced-init-list): braces would make a list of it
}

}  // namespace

ValueSize measured(const Value& value) {
  ValueSize found;
  measure(value, found, 0);
  return found;
}

std::int64_t size_of(const Value& value) { return measured(value).size; }

void add_filters(Context& context) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  set("replace", [](const auto& a, const auto&) {
    return replaced(text_of(argument(a, 0)), text_of(argument(a, 1)), text_of(argument(a, 2)));
  });
  set("join", [](const auto& a, const auto&) {
    const auto list = elements(argument(a, 0));
    const std::string separator = a.size() > 1 ? text_of(a[1]) : std::string();
    std::string joined;
    for (std::size_t i = 0; i < list.size(); ++i) {
      joined += (i == 0 ? "" : separator) + text_of(list[i]);
      refuse_large(std::ssize(joined));
    }
    return Value(joined);
  });
  set("first", [](const auto& a, const auto&) {
    const Value& list = argument(a, 0);
    if (list.is_string()) {
      const auto text = list.template get<std::string>();
      return text.empty() ? Value() : Value(text.substr(0, decode(text, 0).length));
    }
    return list.empty() ? Value() : list.at(std::size_t{0});
  });
  set("reverse", [](const auto& a, const auto&) {
    auto all = elements(argument(a, 0));
    std::ranges::reverse(all);
    if (!a[0].is_string()) return Value::array(all);
    std::string text;
    for (const auto& character : all) text += text_of(character);
    return Value(text);
  });
  set("sort", [](const auto& a, const auto& named) {
    return sorted(elements(argument(a, 0)), option(named, "reverse").to_bool());
  });
  set("min", [](const auto& a, const auto&) { return sorted(elements(argument(a, 0)), false).at(std::size_t{0}); });
  set("max", [](const auto& a, const auto&) { return sorted(elements(argument(a, 0)), true).at(std::size_t{0}); });
  set("sum", [](const auto& a, const auto&) {
    Value total(std::int64_t{0});
    for (const auto& value : elements(argument(a, 0))) total = total + value;
    return total;
  });
  set("float", [](const auto& a, const auto&) {
    const Value& v = argument(a, 0);
    return Value(v.is_string() ? std::stod(v.template get<std::string>()) : v.template get<double>());
  });
  set("abs", [](const auto& a, const auto&) {
    const Value& v = argument(a, 0);
    if (v.is_number_integer()) return Value(std::abs(v.template get<std::int64_t>()));
    return Value(std::abs(v.template get<double>()));
  });
  set("round", [](const auto& a, const auto&) { return Value(std::round(argument(a, 0).template get<double>())); });
  set("tojson", [](const auto& a, const auto& named) {
    const Value &value = argument(a, 0), indent = a.size() > 1 ? a[1] : option(named, "indent");
    refuse_large(size_of(value));
    PythonJsonStyle style{.sort_keys = option(named, "sort_keys").to_bool(),
                          .ensure_ascii = option(named, "ensure_ascii").to_bool()};
    if (!indent.is_null()) style.indent = indent.template get<std::int64_t>();
    if (const Value separators = option(named, "separators"); separators.is_array() && separators.size() == 2) {
      style.item_separator = text_of(separators.at(std::size_t{0}));
      style.key_separator = text_of(separators.at(std::size_t{1}));
    }
    return Value(python_json(value.template get<nlohmann::ordered_json>(), style));
  });
  set("from_json", [](const auto& a, const auto&) {
    const auto text = argument(a, 0).template get<std::string>();
    if (!is_bounded_json(text)) throw std::runtime_error("JSON that is nested too deep, or has too many members");
    return Value(nlohmann::ordered_json::parse(text));
  });
  set("indent", [](const auto& a, const auto& named) {
    const Value width = a.size() > 1 ? a[1] : option(named, "width");
    const Value first = a.size() > 2 ? a[2] : option(named, "first"),
                blank = a.size() > 3 ? a[3] : option(named, "blank");
    return indented(text_of(argument(a, 0)), width.is_null() ? 4 : width.template get<std::int64_t>(), first.to_bool(),
                    blank.to_bool());
  });
  set("capitalize", [](const auto& a, const auto&) {
    std::string text = text_of(argument(a, 0));
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      text[i] = static_cast<char>(i == 0 ? std::toupper(c) : std::tolower(c));
    }
    return Value(text);
  });
}

void add_methods(Context& context) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  const auto add_split = [&](const char* name, bool from_right) {
    set(name, [from_right](const auto& a, const auto& named) {
      const Value separator = a.size() > 1 ? a[1] : Value();
      const Value limit = a.size() > 2 ? a[2] : option(named, "maxsplit");
      return split(text_of(argument(a, 0)), separator, limit.is_null() ? -1 : limit.template get<std::int64_t>(),
                   from_right);
    });
  };
  add_split("llama_split", false);
  add_split("llama_rsplit", true);
  set("llama_format", [](const auto& a, const auto&) { return Value(python_format(text_of(argument(a, 0)), a)); });
  set("llama_replace", [](const auto& a, const auto&) {
    return replaced(text_of(argument(a, 0)), text_of(argument(a, 1)), text_of(argument(a, 2)));
  });
  set("llama_find", [](const auto& a, const auto&) {
    const std::string text = text_of(argument(a, 0));
    const std::size_t at = text.find(text_of(argument(a, 1)));
    if (at == std::string::npos) return Value(std::int64_t{-1});
    return Value(std::ssize(character_places(text.substr(0, at))) - 1);
  });
  set("llama_count", [](const auto& a, const auto&) {
    std::int64_t count = 0;
    const std::string text = text_of(argument(a, 0)), part = text_of(argument(a, 1));
    if (part.empty()) return Value(count);
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
    return Value(count);
  });
  set("llama_values", [](const auto& a, const auto&) {
    Value object = argument(a, 0);
    std::vector<Value> values;
    for (const auto& key : object.keys()) values.push_back(object.at(key));
    return Value::array(values);
  });
  set("llama_removeprefix", [](const auto& a, const auto&) {
    const std::string text = text_of(argument(a, 0)), part = text_of(argument(a, 1));
    return Value(text.starts_with(part) ? text.substr(part.size()) : text);
  });
  set("llama_removesuffix", [](const auto& a, const auto&) {
    const std::string text = text_of(argument(a, 0)), part = text_of(argument(a, 1));
    return Value(text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text);
  });
}

}  // namespace llama::internal
