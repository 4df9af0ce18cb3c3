// Uses the installed libraries as a stranger would; a missing model is an error to read, not a crash.
#include <llama-embedding/batch_processor.h>

int main() {
  const auto source = llama::ModelSource::parse("/no/such/model.gguf");
  return source.has_value() ? 1 : 0;
}
