#include "llama-agent/tool_set.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "llama-base/json_shape.h"
#include "tool_set_state.h"
#include "tool_text.h"

namespace llama {
namespace {

constexpr std::size_t kMaxModelName = 64;            // characters, as model APIs have it
constexpr std::size_t kMaxToolDescription = 4096;    // bytes of a server's words that a model is shown
constexpr std::size_t kMaxToolParameters = 262'144;  // bytes
constexpr int kMaxParameterDepth = 64;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string model_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kMaxModelName)) name += is_name_character(c) ? c : '_';
  return name.empty() ? "tool" : name;
}

std::string numbered(const std::string& name, int number) {
  const std::string end = std::format("_{}", number);
  return name.substr(0, kMaxModelName - end.size()) + end;
}

nlohmann::ordered_json parameters_of(const ToolDefinition& tool) {
  using Schema = nlohmann::ordered_json;
  const bool is_sound = !tool.parameters.empty() && tool.parameters.size() <= kMaxToolParameters &&
                        internal::json_depth(tool.parameters) <= kMaxParameterDepth;
  auto schema = is_sound ? Schema::parse(tool.parameters, nullptr, false) : Schema();
  return schema.is_object() ? schema : Schema{{"type", "object"}};
}

// Native tools have the first right to their names. A server's tool has its own name where nobody else wants it; where
// several do, all servers' ones are prefixed, so that it does not matter which server answered first. A name that was
// once given stays: `given` knows it by the full name, also while the tool's server is away.
void name_tools(std::vector<ListedTool>& tools, std::map<std::string, std::string>& given) {
  std::map<std::string, int> wishes;
  std::map<std::string, std::string> owners;  // full name by name
  for (const auto& [full, name] : given) owners[name] = full;
  for (const auto& tool : tools) {
    ++wishes[model_name(tool.definition.name)];
    if (tool.definition.server.empty()) owners[tool.definition.name] = tool.definition.name;
  }
  for (auto& tool : tools) {
    const auto& own = tool.definition;
    const std::string full = tool.full_name();
    const auto is_free = [&](const std::string& name) { return !owners.contains(name) || owners[name] == full; };
    if (given.contains(full) && is_free(given[full])) {
      tool.name = given[full];
      continue;
    }
    tool.name = model_name(own.name);
    const bool is_wanted = wishes[tool.name] > 1 || !is_free(tool.name);
    if (!own.server.empty() && is_wanted) tool.name = model_name(own.server + "_" + own.name);
    for (int number = 2; !is_free(tool.name); ++number) tool.name = numbered(tool.name, number);
    owners[tool.name] = full;
    given[full] = tool.name;
  }
}

}  // namespace

std::string ListedTool::full_name() const {
  return definition.server.empty() ? definition.name : definition.server + "." + definition.name;
}

const ListedTool* ToolList::find(std::string_view name) const {
  for (const auto& tool : tools) {
    if (tool.name == name) return &tool;
  }
  for (const auto& tool : tools) {
    if (tool.full_name() == name) return &tool;
  }
  return nullptr;
}

std::string ToolList::json() const {
  if (tools.empty()) return {};
  auto array = nlohmann::ordered_json::array();
  for (const auto& tool : tools) {
    const auto description =
        internal::cut_result(internal::clean_text(tool.definition.description), kMaxToolDescription);
    array.push_back({{"type", "function"},
                     {"function",
                      {{"name", tool.name},
                       {"description", description.text.substr(0, description.text.rfind("\n[cut: "))},
                       {"parameters", parameters_of(tool.definition)}}}});
  }
  return array.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ToolList::names() const {
  std::string all;
  for (const auto& tool : tools) all += (all.empty() ? "" : ", ") + tool.name;
  return all.empty() ? "none" : all;
}

ToolSet::ToolSet() : state_(std::make_unique<State>()) {}
ToolSet::~ToolSet() = default;

Result<void> ToolSet::add(Tool tool) {
  auto& own = tool.definition;
  own.server.clear();
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, std::format("tool '{}': {}", own.name, why));
  };
  if (own.name.empty() || own.name.size() > kMaxModelName || !std::ranges::all_of(own.name, is_name_character)) {
    return wrong("a name has 1 to 64 letters, digits, '_' and '-'");
  }
  if (!tool.function) return wrong("it has no function");
  if (!own.parameters.empty()) {
    const bool is_deep = internal::json_depth(own.parameters) > kMaxParameterDepth;
    if (is_deep || own.parameters.size() > kMaxToolParameters) return wrong("its schema is too large");
    if (!nlohmann::json::parse(own.parameters, nullptr, false).is_object())
      return wrong("its schema is no JSON object");
  }
  const std::scoped_lock lock(state_->mutex);
  if (std::ranges::any_of(state_->natives, [&](const Tool& other) { return other.definition.name == own.name; })) {
    return wrong("there is one of that name");
  }
  state_->natives.push_back(std::move(tool));
  return {};
}

void ToolSet::add(std::shared_ptr<ToolSource> source) {
  const std::scoped_lock lock(state_->mutex);
  state_->sources.push_back(std::move(source));
}

ToolList ToolSet::list(const std::stop_token& stop) const {
  ToolList list;
  std::vector<std::shared_ptr<ToolSource>> sources;
  {
    const std::scoped_lock lock(state_->mutex);
    for (const auto& tool : state_->natives)
      list.tools.push_back({tool.definition.name, tool.definition, tool.function});
    sources = state_->sources;
  }
  for (const auto& source : sources) {
    auto listed = source->list(stop);
    std::ranges::move(listed.failures, std::back_inserter(list.failures));
    for (auto& definition : listed.tools) {
      ToolFunction function = [source, definition](const std::string& arguments, const ToolContext& context) {
        return source->call(definition, arguments, context);
      };
      list.tools.push_back({{}, std::move(definition), std::move(function)});
    }
  }
  const std::scoped_lock lock(state_->mutex);
  name_tools(list.tools, state_->names);
  return list;
}

}  // namespace llama
