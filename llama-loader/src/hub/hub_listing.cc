#include "hub/hub_listing.h"

#include <ctime>
#include <format>
#include <nlohmann/json.hpp>

#include "hub/repo_path.h"

namespace llama::internal {
namespace {

using Json = nlohmann::json;

Json parse(std::string_view text) { return Json::parse(text, nullptr, false); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& member(const Json& object, const char* key) {
  static const Json kNothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNothing;
}

}  // namespace

std::int64_t parse_time(std::string_view text) {
  std::tm time{};
  const std::string start(text.substr(0, 40));
  const char* end = ::strptime(start.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (end == nullptr || (*end != '.' && *end != 'Z' && *end != '+')) return 0;
  const auto seconds = static_cast<std::int64_t>(::timegm(&time));
  return seconds > 0 ? seconds : 0;
}

Result<std::string> commit_in(std::string_view json) {
  std::string commit = text_of(parse(json), "sha");
  if (!is_hex(commit, 40)) return fail(ErrorCode::Network, "the hub's answer names no commit (a proxy's page?)");
  return commit;
}

Result<void> add_tree_page(std::string_view json, HubRepository& repository) {
  const Json page = parse(json);
  if (!page.is_array()) return fail(ErrorCode::Network, "the hub's list of files is no list (a proxy's page?)");
  for (const Json& entry : page) {
    if (text_of(entry, "type") != "file") continue;
    HubFile file{.path = text_of(entry, "path"), .sha256 = {}, .git_sha1 = text_of(entry, "oid")};
    const Json& lfs = member(entry, "lfs");
    const Json& size = member(lfs.is_object() ? lfs : entry, "size");
    if (lfs.is_object()) file.sha256 = text_of(lfs, "oid");
    file.modified = parse_time(text_of(member(entry, "lastCommit"), "date"));
    const bool known = lfs.is_object() ? is_hex(file.sha256, 64) : is_hex(file.git_sha1, 40);
    if (!is_safe_path(file.path) || !size.is_number_unsigned() || !known) {
      ++repository.left_out;
      repository.left_out_names.push_back(file.path);
      continue;
    }
    file.size_bytes = size.get<std::uint64_t>();
    if (lfs.is_object()) file.git_sha1.clear();
    repository.files.push_back(std::move(file));
  }
  return {};
}

std::string next_page(std::string_view link) {
  // <address>; rel="next", <address>; rel="last"
  for (std::size_t at = 0; (at = link.find('<', at)) != std::string_view::npos;) {
    const std::size_t end = link.find('>', at);
    if (end == std::string_view::npos) return {};
    const std::string_view address = link.substr(at + 1, end - at - 1);
    const std::string_view rest = link.substr(end + 1, link.find('<', end) - end - 1);
    if (rest.contains("rel=\"next\"") || rest.contains("rel=next")) return std::string(address);
    at = end;
  }
  return {};
}

}  // namespace llama::internal
