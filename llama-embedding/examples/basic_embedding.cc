// Embed the texts on the command line: basic_embedding MODEL.gguf TEXT…
#include <llama-embedding/embedding_model.h>
#include <print>

int main(int argc, char** argv) {
  if (argc < 3) return std::println(stderr, "usage: basic_embedding MODEL TEXT..."), 2;

  const auto source = llama::ModelSource::parse(argv[1]);
  if (!source) return std::println(stderr, "{}", source.error().message), 1;
  const auto model = llama::EmbeddingModel::load(llama::EmbeddingConfig(*source));
  if (!model) return std::println(stderr, "{}", model.error().message), 1;

  for (int i = 2; i < argc; ++i) {
    const auto result = (*model)->embed_text(argv[i]);
    if (!result) return std::println(stderr, "{}", result.error().message), 1;
    std::println("{}: {} values, {} tokens, the first is {}", result->text_hash, result->embedding.size(),
                 result->sequence_length, result->embedding[0]);
  }
}
