// Know the families of embedding models by the names that their files, keys and repositories have.
//
// A name is read as words: "Qwen/Qwen3-Embedding-0.6B-GGUF" is "qwen qwen3 embedding 0 6b gguf". A family is known by
// words that follow one another in one of the names, others may stand between them. The first family that any of the
// names fits has the model, so that the narrower ones come first ("e5 instruct" before "e5").
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-corpus/prompt.h"

namespace llama::internal {

struct NamedPrompt {
  std::string_view name, text;
};

struct ModelFamily {
  std::string_view family;
  std::string_view words;                      // alternatives, separated by " | "
  std::string_view without = {};               // words that no name may have, one of them is enough
  std::string_view architecture = {};          // a GGUF's architecture that this family alone has
  std::string_view query = {}, document = {};  // templates; in them {task} is the task
  std::string_view task = {};                  // the publisher's own, where there is a {task}
  std::span<const NamedPrompt> others = {};
  std::string_view source = {};
};

[[nodiscard]] std::vector<std::string> words_of(std::string_view name);
[[nodiscard]] const ModelFamily* family_of(const ModelNames& names);
[[nodiscard]] std::span<const ModelFamily> known_families();  // prompt_conventions.cc

}  // namespace llama::internal
