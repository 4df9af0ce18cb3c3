#include "hub/hub_repository.h"

#include <algorithm>
#include <format>
#include <set>

#include "hub/hub_listing.h"
#include "hub/hub_request.h"
#include "hub/repo_kind.h"
#include "hub/repo_path.h"
#include "llama-http/curl_transport.h"
#include "llama-http/url.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxBody = 64 << 20;
constexpr std::size_t kMaxPages = 2000;

struct Subject {  // of a question
  std::string repo, revision, folder{};
};

Result<HubAnswer> get(const HubAccess& hub, const Subject& subject, const std::string& url) {
  const HubQuestion question{.endpoint = hub.settings.endpoint,
                             .repo = subject.repo,
                             .revision = subject.revision,
                             .path = subject.folder,
                             .url = {}};
  return ask(hub.transport, hub.settings, hub.retry, question, url, kMaxBody, hub.on_message, hub.stop);
}

std::string api_url(const HubAccess& hub, const std::string& repo) {
  return std::format("{}/api/{}", hub.settings.endpoint, percent_encoded(api_path(repo), "/"));
}

}  // namespace

TransportFactory hub_transport(const HubSettings& settings) {
  return curl_transport({.limits = {.connect = settings.connect_timeout, .idle = settings.stall_timeout},
                         .user_agent = "llama-loader/" LLAMA_LOADER_VERSION});
}

Result<HubRepository> find_repository(const HubAccess& hub, const std::string& repo, const std::string& revision) {
  if (!is_repository(repo)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no repository name (organization/{})", bare_name(repo),
                                                        kind_of(repo) == RepoKind::Model ? "model" : "name"));
  }
  if (!is_revision(revision)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no branch, tag or commit", revision));
  }
  if (hub.settings.offline) {
    return fail(ErrorCode::Offline, std::format("{} cannot be asked for: the network is switched off "
                                                "(HF_HUB_OFFLINE, or for this program alone)",
                                                described(repo)));
  }
  const auto info = get(hub, {.repo = repo, .revision = revision},
                        std::format("{}/revision/{}", api_url(hub, repo), percent_encoded(revision)));
  if (!info) return std::unexpected(info.error());
  auto commit = commit_in(info->body);
  if (!commit) return std::unexpected(commit.error());
  return HubRepository{.repo = repo, .revision = revision, .commit = std::move(*commit), .files = {}, .left_out = 0};
}

Result<void> list_files(const HubAccess& hub, const TreeWanted& wanted, HubRepository& repository) {
  const Subject subject{.repo = repository.repo, .revision = repository.revision, .folder = wanted.folder};
  const std::string folder = wanted.folder.empty() ? "" : "/" + percent_encoded(wanted.folder, "/");
  repository.files.clear();
  repository.left_out = 0;
  repository.left_out_names.clear();
  std::set<std::string> asked;
  for (std::string url = std::format("{}/tree/{}{}?recursive={}&expand={}", api_url(hub, repository.repo),
                                     repository.commit, folder, wanted.is_recursive, wanted.has_dates);
       !url.empty();) {
    if (!asked.insert(url).second || asked.size() > kMaxPages) {
      return fail(ErrorCode::Network,
                  std::format("the hub's list of files of '{}' has no end", bare_name(repository.repo)));
    }
    const auto page = get(hub, subject, url);
    if (!page) return std::unexpected(page.error());
    if (auto added = add_tree_page(page->body, repository); !added) return added;
    const std::string next = next_page(page->head.value("link"));
    if (next.empty()) break;
    // The list goes on at the endpoint itself or nowhere: pages carry the digests that all else is checked against.
    const std::vector<std::string> here{url};
    const auto target = redirect_target(here, next);
    if (!target) return std::unexpected(target.error());
    if (!same_origin(*target, hub.settings.endpoint)) {
      return fail(ErrorCode::Network,
                  std::format("the hub's list of files of '{}' goes on at another host", bare_name(repository.repo)));
    }
    url = *target;
  }
  std::ranges::sort(repository.files, {}, &HubFile::path);
  return {};
}

Result<HubRepository> list_repository(const HubAccess& hub, const std::string& repo, const std::string& revision) {
  auto repository = find_repository(hub, repo, revision);
  if (!repository) return repository;
  if (auto listed = list_files(hub, {}, *repository); !listed) return std::unexpected(listed.error());
  return repository;
}

bool has_repository(const HubAccess& hub, const std::string& repo) {
  const RetryConfig once{.max_retries = 0};
  return get({.transport = hub.transport,
              .settings = hub.settings,
              .retry = once,
              .on_message = hub.on_message,
              .stop = hub.stop},
             {.repo = repo, .revision = "main"}, api_url(hub, repo))
      .has_value();
}

std::string content_url(const HubSettings& settings, const HubRepository& repository, const std::string& path) {
  return std::format("{}/{}/resolve/{}/{}", settings.endpoint, percent_encoded(repository.repo, "/"), repository.commit,
                     percent_encoded(path, "/"));
}

}  // namespace llama::internal
