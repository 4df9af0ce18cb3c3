// Keep vectors across runs, so that a corpus that has grown costs only what is new: an SQLite file.
//
// Vectors are float32, as the model gives them, and known by the model, by the settings that change them and by the
// text (prompt included): one file serves any number of models, and nothing is ever overwritten.
// Errors   of all calls: Busy (another process writes, for a minute), NoSpace, Corrupt, Io; the message names the file.
// Threads  any number at once; several processes may share a file that lies on a disk of this machine.
// Source   SQLite's write-ahead log needs memory that the processes share: https://www.sqlite.org/wal.html
#pragma once

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

  // Kept in memory until some megabytes are together, or flush(). Requires known.vector to have the dimension.
  [[nodiscard]] Result<void> insert(const TextDigest& text, KnownVector known);
  [[nodiscard]] Result<void> flush();

 private:
  struct State;
  explicit VectorStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
