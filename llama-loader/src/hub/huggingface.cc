#include "llama-loader/huggingface.h"

#include <algorithm>
#include <ctime>
#include <format>
#include <map>
#include <set>

#include "hub/hub_listing.h"
#include "hub/hub_request.h"
#include "hub/repo_path.h"
#include "hub/url.h"

namespace llama {
namespace {

constexpr std::size_t kMostBody = 64 << 20;
constexpr std::size_t kMostPages = 2000;

}  // namespace

HubClient::HubClient(HubSettings settings, RetryConfig retry, Message on_message)
    : settings_(std::move(settings)), retry_(retry), on_message_(std::move(on_message)) {}

Result<HubRepository> HubClient::list(const std::string& repo, const std::string& revision,
                                      const std::stop_token& stop) const {
  if (!internal::is_repo_name(repo)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no repository name (organization/model)", repo));
  }
  if (!internal::is_revision(revision)) {
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no branch, tag or commit", revision));
  }
  if (settings_.offline) {
    return fail(ErrorCode::Offline, std::format("repository '{}' cannot be asked for: the network is switched off "
                                                "(offline, or HF_HUB_OFFLINE)",
                                                repo));
  }
  const auto transport = internal::curl_transport(
      {.connect_timeout = settings_.connect_timeout, .stall_timeout = settings_.stall_timeout})();
  const std::string api = settings_.endpoint + "/api/models/" + internal::percent_encoded(repo, "/");
  const internal::HubQuestion question{
      .endpoint = settings_.endpoint, .repo = repo, .revision = revision, .path = {}, .url = {}};
  const auto get = [&](const std::string& url) {
    return internal::ask(*transport, settings_, retry_, question, url, kMostBody, on_message_, stop);
  };

  const auto info = get(api + "/revision/" + internal::percent_encoded(revision));
  if (!info) return std::unexpected(info.error());
  auto commit = internal::commit_in(info->body);
  if (!commit) return std::unexpected(commit.error());

  HubRepository repository{.repo = repo, .revision = revision, .commit = *commit, .files = {}, .left_out = 0};
  std::set<std::string> asked;
  for (std::string url = api + "/tree/" + *commit + "?recursive=true&expand=true"; !url.empty();) {
    if (!asked.insert(url).second || asked.size() > kMostPages) {
      return fail(ErrorCode::Network, std::format("the hub's list of files of '{}' has no end", repo));
    }
    const auto page = get(url);
    if (!page) return std::unexpected(page.error());
    if (auto added = internal::add_tree_page(page->body, repository); !added) return std::unexpected(added.error());
    const std::string next = internal::next_page(page->head.value("link"));
    if (next.empty()) break;
    // The list goes on at the endpoint itself or nowhere: pages carry the digests that all else is checked against.
    const std::vector<std::string> here{url};
    const auto target = internal::redirect_target(here, next);
    if (!target) return std::unexpected(target.error());
    if (!internal::same_origin(*target, settings_.endpoint)) {
      return fail(ErrorCode::Network, std::format("the hub's list of files of '{}' goes on at another host", repo));
    }
    url = *target;
  }
  std::ranges::sort(repository.files, {}, &HubFile::path);
  return repository;
}

}  // namespace llama
