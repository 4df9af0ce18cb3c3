// What a cached model is: where it came from, its files, and how they looked when their digests were computed.
//
// Pure, but for fingerprint_of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/digest.h"
#include "llama-base/error.h"

namespace llama::internal {

// A file that looks the same still is the same; one that does not is hashed again.
struct Fingerprint {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

[[nodiscard]] std::optional<Fingerprint> fingerprint_of(const std::filesystem::path& file);  // of a link's target

struct ManifestFile {
  std::string path;  // in the repository, and in the entry's folder
  std::uint64_t size_bytes = 0;
  Digest digest;
  bool linked = false;  // a symbolic link into Hugging Face's cache
  Fingerprint fingerprint;
};

// Where an entry's folder has a file of the repository: under its own name, unless ours have it.
[[nodiscard]] std::filesystem::path file_place(const std::filesystem::path& folder, const std::string& path);

struct Manifest {
  std::string repo, endpoint, commit;  // repo as in repo_kind.h; "" for a model that was put in by hand
  // As asked (asked_as) → when it was this commit, seconds since 1970.
  std::map<std::string, std::int64_t> revisions;
  bool automatic = false;  // what the rules of detection.h choose in this repository
  std::int64_t created = 0;
  std::vector<ManifestFile> files;  // in the model's order

  [[nodiscard]] std::uint64_t size_bytes() const;   // of all files
  [[nodiscard]] std::uint64_t owned_bytes() const;  // of those that are no links
};

// What tells the files from others, whatever their names: the digest of one, else a digest of all digests. "" for a
// single file of which the hub has no SHA-256.
[[nodiscard]] std::string content_of(const Manifest& manifest);

// The model's SHA-256 (multipart.h); "" where the hub has none of one of its files.
[[nodiscard]] std::string sha256_of(const Manifest& manifest);

[[nodiscard]] std::string to_json(const Manifest& manifest);

// Nothing for what is no sound manifest; a newer version's is not sound.
[[nodiscard]] std::optional<Manifest> parse_manifest(std::string_view json);

// What someone asks for, of a repository.
struct ModelRequest {
  std::string repo, endpoint;
  std::string revision = "main";
  std::optional<std::string> filename{}, quant{};  // of a model
  std::optional<std::string> pattern{};            // of a data set (dataset_choice.h)
};

// What a manifest's revisions are asked for by: a model's revision; "REVISION PATTERN" of a data set, because which
// files a pattern means is known only of the commits at which it was asked.
[[nodiscard]] std::string asked_as(const ModelRequest& request);

// When the hub last said that this is the answer, seconds since 1970 (0: it is by its commit); nothing where it is not.
// A data set's file that is named alone may be one of several here.
[[nodiscard]] std::optional<std::int64_t> answers_since(const Manifest& manifest, const ModelRequest& request);
[[nodiscard]] bool serves(const Manifest& manifest, const ModelRequest& request);

}  // namespace llama::internal
