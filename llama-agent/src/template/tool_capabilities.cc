#include "tool_capabilities.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace llama::internal {
namespace {

using ProbeJson = nlohmann::ordered_json;

// Words that no template looks at. Names stay names, since templates print them in places of their own.
constexpr std::string_view kTool = "zqtoolone", kOther = "zqtooltwo", kKey = "zqkey", kValue = "zqvalue",
                           kOtherValue = "zqmore", kDescription = "zqdescription", kResult = "zqresult",
                           kOtherResult = "zqother", kQuestion = "zqquestion", kListed = "zqlisted";
constexpr std::string_view kNine = "zqabcdef1", kOtherNine = "zqabcdef2", kLong = "call_zq-12345678";

// How a call is handed to the template.
struct Variant {
  bool null_content = false, text_arguments = false;
};

ProbeJson definition(std::string_view name) {
  return {{"type", "function"},
          {"function",
           {{"name", name},
            {"description", kDescription},
            {"parameters",
             {{"type", "object"},
              {"properties", {{kKey, {{"type", "string"}, {"description", kDescription}, {"enum", {kListed}}}}}},
              {"required", {kKey}}}}}}};
}

ProbeJson call(std::string_view id, std::string_view name, std::string_view value, const Variant& variant) {
  const ProbeJson arguments{{kKey, value}};
  return {
      {"type", "function"},
      {"id", id},
      {"function", {{"name", name}, {"arguments", variant.text_arguments ? ProbeJson(arguments.dump()) : arguments}}}};
}

ProbeJson asking() { return ProbeJson{{"role", "user"}, {"content", kQuestion}}; }

ProbeJson calling(ProbeJson calls, const Variant& variant) {
  ProbeJson message{{"role", "assistant"}, {"content", variant.null_content ? ProbeJson() : ProbeJson("")}};
  message["tool_calls"] = std::move(calls);
  return message;
}

ProbeJson answering(std::string_view id, std::string_view name, std::string_view text) {
  return {{"role", "tool"}, {"content", text}, {"tool_call_id", id}, {"name", name}};
}

class Prober {
 public:
  explicit Prober(const std::function<Result<std::string>(const ProbeJson&)>& write) : write_(write) {}

  ToolCapabilities probe() {
    ToolCapabilities found;
    const auto offered = text({asking()}, true);
    found.tools = offered && (offered->contains(kTool) || offered->contains(kKey));
    const auto variant = shown_variant();
    found.calls = variant.has_value();
    if (!variant) {
      const auto told =
          text({asking(), {{"role", "assistant"}, {"content", "Yes."}}, answering(kNine, kTool, kResult)}, found.tools);
      found.results = told && told->contains(kResult);
      return found;
    }
    found.null_content = variant->null_content;
    found.text_arguments = variant->text_arguments;
    const auto told = text(conversation(kNine, *variant), true);
    found.results = told && told->contains(kResult);
    found.ids_of_nine = told && !text(conversation(kLong, *variant), true);
    const auto two = text(
        {asking(),
         calling({call(kNine, kTool, kValue, *variant), call(kOtherNine, kOther, kOtherValue, *variant)}, *variant),
         answering(kNine, kTool, kResult), answering(kOtherNine, kOther, kOtherResult)},
        true);
    found.several_calls = two && two->contains(kValue) && two->contains(kOtherValue) && two->contains(kOther);
    return found;
  }

 private:
  std::optional<std::string> text(ProbeJson messages, bool with_tools) {
    ProbeJson variables{{"messages", std::move(messages)}, {"add_generation_prompt", true}};
    if (with_tools) variables["tools"] = {definition(kTool), definition(kOther)};
    auto written = write_(variables);
    return written ? std::optional(std::move(*written)) : std::nullopt;
  }

  static ProbeJson conversation(std::string_view id, const Variant& variant) {
    return {asking(), calling({call(id, kTool, kValue, variant)}, variant), answering(id, kTool, kResult)};
  }

  // The first way in which a call is shown. An object that is printed as Python prints it was meant to be a text.
  std::optional<Variant> shown_variant() {
    std::optional<Variant> second_best;
    for (const Variant variant : {Variant{}, Variant{.text_arguments = true}, Variant{.null_content = true},
                                  Variant{.null_content = true, .text_arguments = true}}) {
      const auto shown = text(conversation(kNine, variant), true);
      if (!shown || !shown->contains(kValue)) continue;
      const std::string as_python = std::string("{'") + std::string(kKey);
      if (!shown->contains(as_python)) return variant;
      if (!second_best) second_best = variant;
    }
    return second_best;
  }

  const std::function<Result<std::string>(const ProbeJson&)>& write_;
};

}  // namespace

ToolCapabilities probe_tools(const std::function<Result<std::string>(const nlohmann::ordered_json&)>& write) {
  return Prober(write).probe();
}

}  // namespace llama::internal
