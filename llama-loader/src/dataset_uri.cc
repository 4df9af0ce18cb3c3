#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <format>
#include <utility>

#include "hub/glob.h"
#include "hub/repo_path.h"
#include "llama-loader/dataset_files.h"

namespace llama {
namespace {

constexpr std::string_view kScheme = "hf://";
constexpr std::string_view kForm = "hf://datasets/ORGANIZATION/NAME[@REVISION]/FILE, folder or glob";

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

// The length of a revision at the beginning that has slashes of its own, as the hub's bots make them; or 0.
std::size_t special_revision(std::string_view text) {
  const auto length = [&](std::string_view prefix, auto accepts) -> std::size_t {
    if (!text.starts_with(prefix)) return 0;
    const auto end = std::ranges::find_if_not(text.substr(prefix.size()), accepts);
    const auto size = static_cast<std::size_t>(end - text.begin());
    return size > prefix.size() ? size : 0;
  };
  if (const auto convert = length("refs/convert/", is_name_character)) return convert;
  return length("refs/pr/", [](char c) { return c >= '0' && c <= '9'; });
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::unexpected<Error> bad(std::string_view uri, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, std::format("'{}' {}: {}", uri, what, kForm));
}

// "org/name" of the beginning of a text that goes on with '@' or '/' or ends; taken off it.
std::string take_repo(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::size_t end = slash == std::string_view::npos ? rest.find('@') : rest.find_first_of("/@", slash + 1);
  std::string repo(rest.substr(0, end));
  rest.remove_prefix(std::min(end, rest.size()));
  return repo;
}

// After the '@'; taken off the text, with the slash that follows.
std::string take_revision(std::string_view& rest) {
  std::size_t length = special_revision(rest);
  if (length == 0) length = std::min(rest.find('/'), rest.size());
  std::string revision = percent_decoded(rest.substr(0, length));
  rest.remove_prefix(length);
  // git allows no '~' in a name: it is the hub's short form.
  if (revision.size() > 1 && revision.front() == '~') revision.replace(0, 1, "refs/convert/");
  return revision;
}

}  // namespace

bool is_dataset_uri(std::string_view text) { return text.starts_with(kScheme); }

Result<DatasetSource> parse_dataset_uri(std::string_view uri) {
  if (!is_dataset_uri(uri)) return bad(uri, "names no data set");
  std::string_view rest = uri.substr(kScheme.size());
  const std::string_view type = rest.substr(0, rest.find('/'));
  if (type != "datasets") {
    const bool is_kind = type == "spaces" || type == "buckets" || type == "kernels" || type == "dataset";
    return bad(uri, is_kind ? "names no data set" : "names a model, not a data set");
  }
  rest.remove_prefix(std::min(type.size() + 1, rest.size()));
  while (rest.ends_with('/')) rest.remove_suffix(1);
  DatasetSource source{.repo = take_repo(rest)};
  if (!internal::is_repo_name(source.repo)) return bad(uri, "names no data set");
  if (rest.starts_with('@')) {
    rest.remove_prefix(1);
    source.revision = take_revision(rest);
    if (!internal::is_revision(source.revision)) return bad(uri, "has no sound revision");
  }
  if (rest.starts_with('/')) rest.remove_prefix(1);
  source.pattern = rest;
  if (!rest.empty() && !internal::is_safe_path(rest)) return bad(uri, "has no sound path");
  if (auto glob = internal::check_glob(rest); !glob) return std::unexpected(glob.error());
  return source;
}

std::string DatasetSource::to_string() const {
  std::string text = std::format("hf://datasets/{}", repo);
  if (revision != "main") {
    text += '@';
    const bool is_special = special_revision(revision) == revision.size();
    for (const char c : revision)
      text += (c == '/' && !is_special) || c == '%' ? std::format("%{:02X}", static_cast<unsigned char>(c))
                                                    : std::string(1, c);
  }
  return pattern.empty() ? text : text + "/" + pattern;
}

}  // namespace llama
