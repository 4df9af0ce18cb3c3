#include "hub/repo_kind.h"

#include <format>

#include "hub/repo_path.h"

namespace llama::internal {
namespace {

constexpr std::string_view kDatasets = "datasets/";

}  // namespace

// "datasets/x" is a model of an organization of that name.
RepoKind kind_of(std::string_view repo) {
  const bool dataset = repo.starts_with(kDatasets) && repo.substr(kDatasets.size()).contains('/');
  return dataset ? RepoKind::Dataset : RepoKind::Model;
}

std::string dataset_repo(std::string_view name) { return std::string(kDatasets) + std::string(name); }

std::string_view bare_name(std::string_view repo) {
  return kind_of(repo) == RepoKind::Dataset ? repo.substr(kDatasets.size()) : repo;
}

bool is_repository(std::string_view repo) { return is_repo_name(bare_name(repo)); }

std::string described(std::string_view repo) {
  return std::format("{} '{}'", kind_of(repo) == RepoKind::Dataset ? "data set" : "repository", bare_name(repo));
}

std::string api_path(std::string_view repo) {
  return kind_of(repo) == RepoKind::Dataset ? std::string(repo) : "models/" + std::string(repo);
}

std::string client_cache_name(std::string_view repo) {
  std::string name = api_path(repo);
  for (std::size_t at = 0; (at = name.find('/', at)) != std::string::npos;) name.replace(at, 1, "--");
  return name;
}

}  // namespace llama::internal
