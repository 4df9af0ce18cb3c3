#include "vectors/query_model.h"

#include <format>
#include <utility>

#include "exit_status.h"
#include "llama-embedding/batch_processor.h"
#include "model_names.h"
#include "vectors/file_model.h"
#include "vectors/query_prompt.h"

namespace llama {
namespace {

const std::string& name_of_file(const VectorFile& file) { return file.table().files().front().path; }

Step<void> check_model(const SearchArguments& arguments, const VectorFile& file, const EmbeddingModel& model) {
  const Provenance& p = file.provenance();
  const std::int32_t dimension = model.embedding_dimension();
  // Cut vectors are those of the model whose first dimensions they have.
  const bool is_cut = p.dimensions == file.dimension() && dimension >= file.dimension();
  if (dimension != file.dimension() && !is_cut && file.dimension() > 0) {
    return stop_with({ErrorCode::InvalidArgument,
                      std::format("the model '{}' has {} dimensions, and the vectors in '{}' have {}: they are of "
                                  "another model",
                                  model.metadata().filename, dimension, name_of_file(file), file.dimension())},
                     kModelError);
  }
  const std::string other = what_is_other(p, model);
  if (other.empty()) return {};
  const std::string message = std::format("the model '{}' is not the one that the vectors in '{}' are of: {}",
                                          model.metadata().filename, name_of_file(file), other);
  if (arguments.loader.model.empty())
    return stop_with({ErrorCode::InvalidModel, message + "; --model takes it all the same"}, kModelError);
  tell("Warning: {}", message);
  return {};
}

Step<FileModel> load_query_model(const SearchArguments& arguments, const VectorFile& file, const Interrupt& interrupt,
                                 const Console& console) {
  auto model = load_file_model(file, arguments.loader, arguments.threads, interrupt, console);
  if (!model) return model;
  if (auto checked = check_model(arguments, file, **model); !checked) return std::unexpected(checked.error());
  return model;
}

Step<std::optional<PromptTemplate>> choose_prompt(const SearchArguments& arguments, const VectorFile& file,
                                                  const EmbeddingModel& model, const Console& console) {
  std::string pattern;
  if (arguments.prompt) {
    pattern = *arguments.prompt;
  } else if (arguments.prompt_name) {
    auto named = named_prompt(names_of(model), *arguments.prompt_name, arguments.task);
    if (!named) return usage_error(named.error().message + " (--prompt)");
    return std::move(*named);
  } else {
    const QueryPrompt chosen =
        choose_query_prompt(file.provenance().prompt, find_prompt_convention(names_of(model), ""));
    if (!chosen.warning.empty()) tell("Warning: {}", chosen.warning);
    if (!chosen.pattern) return std::nullopt;
    if (!console.quiet) tell("Query prompt: \"{}\" ({})", *chosen.pattern, chosen.reason);
    pattern = *chosen.pattern;
  }
  auto prompt = PromptTemplate::parse(pattern);
  if (!prompt) return stop_with(prompt.error(), kUsageError);
  if (!prompt->columns().empty())
    return usage_error(
        std::format("prompt '{}': a query has no column '{}', but {{text}} alone", pattern, prompt->columns().front()));
  return std::move(*prompt);
}

}  // namespace

Step<std::vector<std::vector<float>>> embed_queries(const SearchArguments& arguments, const VectorFile& file,
                                                    const std::vector<std::string>& queries, const Interrupt& interrupt,
                                                    const Console& console) {
  const auto model = load_query_model(arguments, file, interrupt, console);
  if (!model) return std::unexpected(model.error());
  const auto prompt = choose_prompt(arguments, file, **model, console);
  if (!prompt) return std::unexpected(prompt.error());
  std::vector<std::string> texts;
  for (const std::string& query : queries) texts.push_back(*prompt ? (*prompt)->render(query, {}) : query);
  auto processor = BatchProcessor::create(*model, (*model)->config().batch_size);
  if (!processor) return stop_with(processor.error(), kInternalError);
  auto results = processor->process_batch(texts, interrupt.token());
  if (!results) {
    const bool is_text = results.error().code == ErrorCode::InvalidText;
    return stop_with({results.error().code, "the query cannot be embedded: " + results.error().message},
                     is_text ? kInputError : kModelError);
  }
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < results->size(); ++i) {
    EmbeddingResult& result = (*results)[i];
    if (result.truncated)
      tell("Warning: query {} is longer than {} tokens, and its end is left out", i + 1,
           (*model)->max_sequence_length());
    result.embedding.resize(
        static_cast<std::size_t>(file.dimension() > 0 ? file.dimension() : (*model)->embedding_dimension()));
    vectors.push_back(std::move(result.embedding));
  }
  return vectors;
}

}  // namespace llama
