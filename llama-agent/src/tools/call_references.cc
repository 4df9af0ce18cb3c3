#include "call_references.h"
#include "llama-base/json_shape.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

namespace llama::internal {
namespace {

using ReferenceJson = nlohmann::ordered_json;
constexpr int kMaxResultDepth = 64;

struct Reference {
  std::size_t begin, end;  // in the text, "${" and "}" included
  std::size_t call;
  std::string_view name, path;  // path: ".files[0]"
  bool is_escaped = false;      // "$${x}": from the first "$"
};

// Ids and names may have dots: the longest name that means a call is the one.
std::optional<Reference> read_reference(std::string_view text, std::size_t begin, const CallByName& call_of) {
  const std::size_t close = text.find('}', begin);
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(begin + 2, close - begin - 2);
  for (std::size_t length = inside.size(); length > 0; --length) {
    if (length < inside.size() && inside[length] != '.' && inside[length] != '[') continue;
    if (const auto call = call_of(inside.substr(0, length))) {
      return Reference{begin, close + 1, *call, inside.substr(0, length), inside.substr(length)};
    }
  }
  return std::nullopt;
}

std::vector<Reference> references_of(std::string_view text, const CallByName& call_of) {
  std::vector<Reference> found;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at)) {
    auto reference = read_reference(text, at, call_of);
    if (!reference) {
      at += 2;
      continue;
    }
    at = reference->end;
    if (reference->begin > 0 && text[reference->begin - 1] == '$') {
      reference->is_escaped = true;
      --reference->begin;
    }
    found.push_back(*reference);
  }
  return found;
}

Result<ReferenceJson> value_at(ReferenceJson value, const Reference& reference) {
  std::string_view path = reference.path;
  const auto nowhere = [&] {
    return fail(ErrorCode::InvalidText, std::format("the result of {} has no '{}'", reference.name, reference.path));
  };
  while (!path.empty()) {
    if (path[0] == '[') {
      const std::size_t close = path.find(']');
      std::size_t index = 0;
      if (close == std::string_view::npos) return nowhere();
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + close, index);
      if (error != std::errc() || end != path.data() + close || !value.is_array() || index >= value.size()) {
        return nowhere();
      }
      value = ReferenceJson(value[index]);
      path.remove_prefix(close + 1);
    } else if (path[0] == '.') {
      const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
      const auto key = path.substr(1, end - 1);
      if (!value.is_object() || !value.contains(key)) return nowhere();
      value = ReferenceJson(value[key]);
      path.remove_prefix(end);
    } else {
      return nowhere();
    }
  }
  return value;
}

std::string text_of_value(const ReferenceJson& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, ReferenceJson::error_handler_t::replace);
}

struct ReferenceReplacer {
  const CallByName& call_of;
  const std::function<std::string(std::size_t)>& result_of;
  std::size_t max_bytes;
  bool keeps_type;
  std::size_t bytes = 0;

  // typed: a result without a path is the JSON that it is, else the text as it came.
  Result<ReferenceJson> value_of(const Reference& reference, bool typed) {
    std::string result = result_of(reference.call);
    bytes += result.size();
    if (bytes > max_bytes) {
      return fail(ErrorCode::InvalidText, std::format("with the result of {} the arguments have more than {} bytes",
                                                      reference.name, max_bytes));
    }
    ReferenceJson parsed = json_depth(result) <= kMaxResultDepth ? ReferenceJson::parse(result, nullptr, false)
                                                                 : ReferenceJson(ReferenceJson::value_t::discarded);
    if (reference.path.empty()) return parsed.is_discarded() || !typed ? ReferenceJson(result) : parsed;
    if (parsed.is_discarded()) {
      return fail(ErrorCode::InvalidText,
                  std::format("the result of {} is no JSON, so it has no '{}'", reference.name, reference.path));
    }
    return value_at(std::move(parsed), reference);
  }

  Result<void> replace(ReferenceJson& value) {
    if (value.is_structured()) {
      for (auto& item : value) {
        if (auto done = replace(item); !done) return done;
      }
      return {};
    }
    if (!value.is_string()) return {};
    const auto text = value.get<std::string>();
    const auto references = references_of(text, call_of);
    if (references.empty()) return {};
    if (const auto& only = references.front(); only.begin == 0 && only.end == text.size() && !only.is_escaped) {
      auto found = value_of(only, keeps_type);
      if (!found) return std::unexpected(found.error());
      value = keeps_type ? std::move(*found) : ReferenceJson(text_of_value(*found));
      return {};
    }
    std::string made;
    std::size_t at = 0;
    for (const auto& reference : references) {
      made += std::string_view(text).substr(at, reference.begin - at);
      at = reference.end;
      if (reference.is_escaped) {
        made += std::string_view(text).substr(reference.begin + 1, reference.end - reference.begin - 1);
        continue;
      }
      auto found = value_of(reference, false);
      if (!found) return std::unexpected(found.error());
      made += text_of_value(*found);
    }
    value = made + text.substr(at);
    return {};
  }
};

void visit_strings(const ReferenceJson& value, const std::function<void(const std::string&)>& visit) {
  if (value.is_string()) visit(value.get_ref<const std::string&>());
  if (!value.is_structured()) return;
  for (const auto& item : value) visit_strings(item, visit);
}

}  // namespace

std::vector<std::size_t> referenced_calls(std::string_view arguments, const CallByName& call_of) {
  std::vector<std::size_t> calls;
  if (!arguments.contains("${") && !arguments.contains("\\u")) return calls;
  const auto value = ReferenceJson::parse(arguments, nullptr, false);
  if (value.is_discarded()) return calls;
  visit_strings(value, [&](const std::string& text) {
    for (const auto& reference : references_of(text, call_of)) {
      if (!reference.is_escaped && !std::ranges::contains(calls, reference.call)) calls.push_back(reference.call);
    }
  });
  return calls;
}

bool has_reference(std::string_view text, const CallByName& call_of) { return !references_of(text, call_of).empty(); }

Result<ReplacedArguments> replace_references(std::string_view arguments, const CallByName& call_of,
                                             const std::function<std::string(std::size_t)>& result_of,
                                             std::size_t max_bytes) {
  ReplacedArguments replaced;
  for (const bool keeps_type : {true, false}) {
    auto value = ReferenceJson::parse(arguments, nullptr, false);
    if (value.is_discarded()) return ReplacedArguments{std::string(arguments), std::string(arguments)};
    ReferenceReplacer replacer{call_of, result_of, max_bytes, keeps_type};
    if (auto done = replacer.replace(value); !done) return std::unexpected(done.error());
    (keeps_type ? replaced.typed : replaced.as_text) =
        value.dump(-1, ' ', false, ReferenceJson::error_handler_t::replace);
  }
  return replaced;
}

}  // namespace llama::internal
