#include "llama-corpus/matryoshka.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <string>
#include <string_view>

namespace llama {
namespace {

struct Family {
  std::string_view part;  // of a model's name, in lower case with hyphens
  std::int32_t least;     // dimensions that its card speaks of
};

// Source   the model cards of Qwen/Qwen3-Embedding-0.6B ("32 to 1024"), google/embeddinggemma-300m ("512, 256, or
//          128"), nomic-ai/nomic-embed-text-v1.5 ("64 to 768") and nomic-embed-text-v2-moe ("256"),
//          nomic-ai/modernbert-embed-base ("256"), Snowflake/snowflake-arctic-embed-m-v1.5 and -l-v2.0, -m-v2.0
//          ("256"), mixedbread-ai/mxbai-embed-large-v1 and -2d-large-v1 (its release post), jinaai/jina-embeddings-v3
//          ("32") and -v4 ("128").
constexpr std::array kFamilies = {
    Family{"qwen3-embedding", 32},       Family{"embeddinggemma", 128},      Family{"embedding-gemma", 128},
    Family{"nomic-embed-text-v1.5", 64}, Family{"nomic-embed-text-v2", 256}, Family{"modernbert-embed", 256},
    Family{"arctic-embed-m-v1.5", 256},  Family{"arctic-embed-l-v2", 256},   Family{"arctic-embed-m-v2", 256},
    Family{"mxbai-embed-large", 64},     Family{"mxbai-embed-2d-large", 64}, Family{"jina-embeddings-v3", 32},
    Family{"jina-embeddings-v4", 128},
};

std::string comparable(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c == ' ' || c == '_' ? '-' : static_cast<char>(std::tolower(c));
  });
  return text;
}

const Family* find_family(const ModelNames& names) {
  for (const std::string& name : {names.name, names.basename, names.file, names.repository}) {
    const std::string text = comparable(name);
    for (const Family& family : kFamilies)
      if (text.contains(family.part)) return &family;
  }
  return nullptr;
}

}  // namespace

Result<void> check_matryoshka(const ModelNames& names, std::int32_t dimension, std::int32_t wanted, bool force) {
  if (wanted >= dimension) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the model has {} dimensions; {} of them are no cut", dimension, wanted));
  }
  if (force) return {};
  const Family* family = find_family(names);
  if (family == nullptr) {
    return fail(ErrorCode::InvalidArgument,
                "the model is not known to be trained so that its first dimensions alone "
                "carry meaning (Matryoshka); cut vectors would find the wrong neighbours");
  }
  if (wanted < family->least) {
    return fail(ErrorCode::InvalidArgument,
                std::format("the model was trained to be cut to {} dimensions or more, not {}", family->least, wanted));
  }
  return {};
}

}  // namespace llama
