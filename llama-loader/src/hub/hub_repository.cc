#include "hub/hub_repository.h"

#include <algorithm>
#include <format>
#include <set>

#include "hub/hub_listing.h"
#include "hub/hub_request.h"
#include "hub/repo_path.h"
#include "llama-http/curl_transport.h"
#include "llama-http/url.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxBody = 64 << 20;
constexpr std::size_t kMaxPages = 2000;

}  // namespace

TransportFactory hub_transport(const HubSettings& settings) {
  return curl_transport({.limits = {.connect = settings.connect_timeout, .idle = settings.stall_timeout},
                         .user_agent = "llama-loader/" LLAMA_LOADER_VERSION});
}

Result<HubRepository> list_repository(HttpTransport& transport, const HubSettings& settings, const RetryConfig& retry,
                                      const std::string& repo, const std::string& revision,
                                      const std::function<void(std::string_view)>& on_message,
                                      const std::stop_token& stop) {
  if (!is_repo_name(repo)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no repository name (organization/model)", repo));
  }
  if (!is_revision(revision)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no branch, tag or commit", revision));
  }
  if (settings.offline) {
    return fail(ErrorCode::Offline, std::format("repository '{}' cannot be asked for: the network is switched off "
                                                "(HF_HUB_OFFLINE, or for this program alone)",
                                                repo));
  }
  const std::string api = settings.endpoint + "/api/models/" + percent_encoded(repo, "/");
  const HubQuestion question{.endpoint = settings.endpoint, .repo = repo, .revision = revision, .path = {}, .url = {}};
  const auto get = [&](const std::string& url) {
    return ask(transport, settings, retry, question, url, kMaxBody, on_message, stop);
  };

  const auto info = get(api + "/revision/" + percent_encoded(revision));
  if (!info) return std::unexpected(info.error());
  auto commit = commit_in(info->body);
  if (!commit) return std::unexpected(commit.error());

  HubRepository repository{.repo = repo, .revision = revision, .commit = *commit, .files = {}, .left_out = 0};
  std::set<std::string> asked;
  for (std::string url = api + "/tree/" + *commit + "?recursive=true&expand=true"; !url.empty();) {
    if (!asked.insert(url).second || asked.size() > kMaxPages) {
      return fail(ErrorCode::Network, std::format("the hub's list of files of '{}' has no end", repo));
    }
    const auto page = get(url);
    if (!page) return std::unexpected(page.error());
    if (auto added = add_tree_page(page->body, repository); !added) return std::unexpected(added.error());
    const std::string next = next_page(page->head.value("link"));
    if (next.empty()) break;
    // The list goes on at the endpoint itself or nowhere: pages carry the digests that all else is checked against.
    const std::vector<std::string> here{url};
    const auto target = redirect_target(here, next);
    if (!target) return std::unexpected(target.error());
    if (!same_origin(*target, settings.endpoint)) {
      return fail(ErrorCode::Network, std::format("the hub's list of files of '{}' goes on at another host", repo));
    }
    url = *target;
  }
  std::ranges::sort(repository.files, {}, &HubFile::path);
  return repository;
}

std::string content_url(const HubSettings& settings, const HubRepository& repository, const std::string& path) {
  return std::format("{}/{}/resolve/{}/{}", settings.endpoint, percent_encoded(repository.repo, "/"), repository.commit,
                     percent_encoded(path, "/"));
}

}  // namespace llama::internal
