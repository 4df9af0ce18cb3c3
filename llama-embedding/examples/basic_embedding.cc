// Embed the texts on the command line: basic_embedding MODEL.gguf TEXT…
#include <cstdio>
#include <llama-embedding/embedding_model.h>

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: basic_embedding MODEL TEXT...\n"), 2;

  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::fprintf(stderr, "%s\n", source.error().message.c_str()), 1;
  const auto model = llama::EmbeddingModel::load(llama::EmbeddingConfig(*source));
  if (!model) return std::fprintf(stderr, "%s\n", model.error().message.c_str()), 1;

  for (int i = 2; i < argc; ++i) {
    const auto result = (*model)->embed_text(argv[i]);
    if (!result) return std::fprintf(stderr, "%s\n", result.error().message.c_str()), 1;
    std::printf("%s: %zu values, %u tokens, the first is %f\n", result->text_hash.c_str(), result->embedding.size(),
                result->sequence_length, static_cast<double>(result->embedding[0]));
  }
}
