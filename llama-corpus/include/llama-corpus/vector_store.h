// Keep vectors across runs, so that a corpus that has grown costs only what is new: an SQLite file.
//
// Vectors are float32, as the model gives them, and known by the model, by the settings that change them and by the
// text (prompt included): one file serves any number of models, and nothing is ever overwritten. Kernels and devices
// round in the last bits otherwise, and are no setting: the file only knows which have been at work (sources()).
//
// What was kept lies in the file at first in the order in which it came, for a digest's place in the index is random:
// with each thousand texts nearly every page of it would be written. When some megabytes are together, or by flush(),
// it goes into the index sorted; what a killed process had kept goes there when the file is opened next. The log is
// synced every 16 MB and by flush(): so much of it a power cut may take, and the file is sound without; those texts are
// computed again when they come again.
// Errors   of all calls: Busy (another process writes, for a minute), NoSpace, Corrupt, Io; the message names the file.
// Threads  any number at once; several processes may share a file that lies on a disk of this machine.
// Source   SQLite's write-ahead log needs memory that the processes share: https://www.sqlite.org/wal.html
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-corpus/text_digest.h"
#include "llama-embedding/embedding_model.h"

namespace llama {

struct KnownVector {
  std::vector<float> vector;      // the model's dimension, before any cut
  std::uint32_t tokens = 0;       // that the model read
  std::uint64_t token_count = 0;  // before the cut at the maximum length
  bool truncated = false;
};

// What computed vectors: their last bits depend on it.
struct VectorSource {
  std::string kernels, device;
  auto operator<=>(const VectorSource&) const = default;
};

// What vectors depend on besides the text, as one line: the model's content, pooling, scale, limits, tokenizer.
[[nodiscard]] std::string vector_settings(const EmbeddingModel& model);

class VectorStore {
 public:
  // Makes the file where there is none. settings: vector_settings(); dimension: of all vectors that are kept under it.
  //
  // Errors   InvalidArgument: the file is something else; it is not changed.
  [[nodiscard]] static Result<VectorStore> open(const std::filesystem::path& path, const std::string& settings,
                                                std::int32_t dimension);
  ~VectorStore();
  VectorStore(VectorStore&&) noexcept;
  VectorStore& operator=(VectorStore&&) noexcept;

  [[nodiscard]] Result<std::optional<KnownVector>> find(const TextDigest& text);

  // In memory until keep(). Requires known.vector to have the dimension.
  void insert(const TextDigest& text, KnownVector known);
  // What was inserted outlives the process (not a power cut) from now on, and this is what computed it. find() may know
  // it later.
  [[nodiscard]] Result<void> keep(const VectorSource& source);
  // What was kept is known to find(), here and in other processes, and is on the disk.
  [[nodiscard]] Result<void> flush();

  // What computed the vectors that find() may give; {"unknown", "unknown"} where an older version has kept some.
  [[nodiscard]] Result<std::vector<VectorSource>> sources();

 private:
  struct State;
  explicit VectorStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
