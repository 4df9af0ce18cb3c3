#include "config/variables.h"

#include <cstdlib>
#include <filesystem>
#include <format>
#include <system_error>

#include "llama-base/text_kind.h"

namespace llama {

McpVariables environment_variables() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

}  // namespace llama

namespace llama::internal {
namespace {

Result<std::string> value_of(std::string_view expression, const McpVariables& variables) {
  std::optional<std::string_view> otherwise;
  if (const auto mark = expression.find(":-"); mark != std::string_view::npos) {
    otherwise = expression.substr(mark + 2);
    expression = expression.substr(0, mark);
  }
  std::string name(expression.starts_with("env:") ? expression.substr(4) : expression);
  if (auto value = variables(name); value && !(value->empty() && otherwise)) return std::move(*value);
  if (otherwise) return std::string(*otherwise);
  if (name == "userHome") return value_of("HOME", variables);
  if (name == "workspaceFolder" || name == "cwd" || name == "workspaceFolderBasename") {
    std::error_code failed;
    const auto folder = std::filesystem::current_path(failed);
    return (name == "workspaceFolderBasename" ? folder.filename() : folder).string();
  }
  if (name == "pathSeparator" || name == "/") return std::string("/");
  if (name.starts_with("input:")) {
    return fail(ErrorCode::InvalidArgument,
                std::format("'${{{}}}' would have to be asked for: write ${{NAME}} and set the variable NAME", name));
  }
  return fail(ErrorCode::InvalidArgument, std::format("the variable '{}' is not set", name));
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

Result<std::string> with_variables(std::string_view text, const McpVariables& variables) {
  std::string made;
  while (true) {
    const auto begin = text.find("${");
    made += text.substr(0, begin);
    if (begin == std::string_view::npos) return made;
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) return fail(ErrorCode::InvalidArgument, "a '${' has no '}'");
    auto value = value_of(text.substr(begin + 2, end - begin - 2), variables);
    if (!value) return value;
    made += *value;
    text.remove_prefix(end + 1);
  }
}

Result<std::map<std::string, std::string>> parse_env_file(std::string_view text) {
  if (const auto why = why_no_text(text)) return fail(ErrorCode::InvalidArgument, *why);
  std::map<std::string, std::string> variables;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    const auto sign = line.find('=');
    const auto name = trimmed(line.substr(0, sign));
    if (sign == std::string_view::npos || name.empty()) {
      return fail(ErrorCode::InvalidArgument, std::format("line {}: no NAME=VALUE", number));
    }
    std::string_view value = trimmed(line.substr(sign + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    variables[std::string(name)] = value;
  }
  return variables;
}

}  // namespace llama::internal
