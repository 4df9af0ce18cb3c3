// Know again the files that an index was built from, without reading them whole.
//
// Of each file the name, the size, the time of its last change and a digest of its first and last 64 kB, where Parquet
// and Arrow have their schema, their metadata and where each part lies. A file that is written anew has another time;
// one that was given the old time has other sizes of its parts, but for changes that leave all of them as they were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"

namespace llama::internal {

struct IdentityPart {
  std::string name;  // from the folder that holds all of them: they may be moved together with their index
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::string digest;  // SHA-256 in hex
  friend bool operator==(const IdentityPart&, const IdentityPart&) = default;
};

struct FileIdentity {
  std::string column;  // of the vectors
  std::uint64_t rows = 0;
  std::uint64_t dimension = 0;
  std::vector<IdentityPart> files;

  // Errors   Io, NotFound: a file that cannot be read.
  // Cost     128 kB of each file are read.
  [[nodiscard]] static Result<FileIdentity> of(const VectorFile& file);

  // How this one, which was, differs from what there is now; "" where it does not. Says no word that only this one has:
  // it may come from a stranger's file, and a terminal obeys some.
  [[nodiscard]] std::string difference(const FileIdentity& now) const;
};

}  // namespace llama::internal
