// Tell data sets from models among the hub's repositories, and say what differs between the two.
//
// Inside the loader a repository's name is the one that its page has: "org/model", "datasets/org/name".
// Pure.
// Source   huggingface_hub 2.4, constants.py (REPO_TYPES_URL_PREFIXES), file_download.py (hf_hub_url,
//          repo_folder_name), hf_api.py (repo_info, list_repo_tree).
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

enum class RepoKind { Model, Dataset };

[[nodiscard]] RepoKind kind_of(std::string_view repo);
[[nodiscard]] std::string dataset_repo(std::string_view name);       // "datasets/org/name"
[[nodiscard]] std::string_view bare_name(std::string_view repo);     // "org/name"
[[nodiscard]] bool is_repository(std::string_view repo);             // a sound name, of either kind
[[nodiscard]] std::string described(std::string_view repo);          // "repository 'org/model'", "data set 'org/name'"
[[nodiscard]] std::string api_path(std::string_view repo);           // "models/org/model": after "/api/"
[[nodiscard]] std::string client_cache_name(std::string_view repo);  // "models--org--model": Hugging Face's own cache

}  // namespace llama::internal
