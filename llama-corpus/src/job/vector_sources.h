// What computed a run's vectors: kernels and devices, of this run and of those before it whose vectors it takes over.
//
// A run goes on with other kernels or on another device than it began with: its vectors differ in the last bits, and
// its output names all that were at work. The journal keeps them; of the vector store all that ever filled it with this
// model's vectors are taken, for it does not know which gave which.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../store/text_store.h"
#include "llama-corpus/vector_store.h"

namespace llama::internal {

class VectorSources {
 public:
  // vectors: or nothing. kernels: this run's.
  [[nodiscard]] static Result<VectorSources> recall(TextStore& texts, VectorStore* vectors, std::string kernels);

  // This run computes there; "" where it has not computed yet. To be told before such vectors are kept.
  [[nodiscard]] Result<void> note(const std::string& device);
  [[nodiscard]] const VectorSource& own() const { return own_; }

  // "; " between them, this run's last.
  [[nodiscard]] std::string kernels() const;
  [[nodiscard]] std::string devices(const std::string& own) const;
  [[nodiscard]] bool has_other_kernels() const { return kernels() != own_.kernels; }

 private:
  VectorSources(TextStore& texts, std::string kernels) : texts_(&texts), own_{std::move(kernels), ""} {}
  [[nodiscard]] Result<void> write();

  TextStore* texts_;
  std::vector<VectorSource> before_;
  VectorSource own_;
};

}  // namespace llama::internal
