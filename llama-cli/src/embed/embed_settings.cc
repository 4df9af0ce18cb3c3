#include "embed/embed_settings.h"

#include <cstdlib>
#include <format>
#include <nlohmann/json.hpp>
#include <system_error>

#include "exit_status.h"
#include "llama-corpus/matryoshka.h"
#include "llama-table/table_writer.h"
#include "model_names.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

}  // namespace

Step<void> check_ending(const OutputArguments& a) {
  if (a.format || a.path.empty()) return {};
  if (auto known = output_format_of_name(a.path); !known)
    return usage_error("--output " + known.error().message + "; --output-format names one whatever the ending");
  return {};
}

Step<void> check_arguments(const EmbedArguments& a) {
  if (a.input.paths.empty() && !a.input.query) return usage_error("--input or --query is required");
  if (a.output.path.empty() && !a.dry_run) return usage_error("--output is required");
  // Of a file that is there, choose_output() says first whether the run reads it.
  std::error_code ignored;
  if (!fs::exists(a.output.path, ignored))
    if (auto known = check_ending(a.output); !known) return known;
  if (a.json && a.output.path == "-") return usage_error("--json and --output - both need standard output");
  if (a.input.join && a.input.columns.size() < 2) return usage_error("--join goes with several --column");
  if (a.on_long != "chunk" && (a.chunk_tokens || a.chunk_overlap > 0))
    return usage_error("--chunk-tokens and --chunk-overlap go with --on-long chunk");
  if (a.chunk_tokens && a.chunk_overlap >= *a.chunk_tokens) {
    return usage_error(
        std::format("--chunk-overlap {} is not below --chunk-tokens {}", a.chunk_overlap, *a.chunk_tokens));
  }
  if (a.output.calibration && a.output.dtype != "int8") return usage_error("--calibration goes with --dtype int8");
  if (a.output.dimensions && a.output.dtype == "binary" && *a.output.dimensions % 8 != 0)
    return usage_error("--dtype binary packs eight dimensions to a byte; --dimensions must be a multiple of 8");
  return {};
}

Step<void> check_calibration(const OutputArguments& a) {
  std::error_code ignored;
  if (!a.calibration || fs::exists(*a.calibration, ignored)) return {};
  return stop_with(
      {ErrorCode::NotFound, std::format("--calibration: file '{}' does not exist", a.calibration->string())},
      kInputError);
}

Step<Shard> choose_shard(const EmbedArguments& arguments) {
  if (!arguments.shard) return Shard{};
  const auto shard = parse_shard(*arguments.shard, [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
  if (!shard) return usage_error("--shard: " + shard.error().message);
  return *shard;
}

Step<std::optional<PromptTemplate>> read_prompt(const EmbedArguments& arguments) {
  if (!arguments.prompt) return std::nullopt;
  auto prompt = PromptTemplate::parse(*arguments.prompt);
  if (!prompt) return stop_with(prompt.error(), kUsageError);
  return std::move(*prompt);
}

Step<std::optional<PromptTemplate>> choose_prompt(const EmbedArguments& arguments,
                                                  const std::optional<PromptTemplate>& given,
                                                  const EmbeddingModel& model) {
  if (!arguments.prompt_name) return given;
  auto prompt = named_prompt(names_of(model), *arguments.prompt_name, arguments.task);
  if (!prompt) return usage_error(prompt.error().message + " (--prompt)");
  return std::move(*prompt);
}

std::string known_prompts(const EmbeddingModel& model) {
  const auto convention = find_prompt_convention(names_of(model), "");
  if (!convention) return {};
  nlohmann::json prompts = {{"query", convention->query}, {"document", convention->document}};
  for (const auto& [name, text] : convention->others) prompts[name] = text;
  return prompts.dump();
}

Step<void> check_dimensions(const EmbedArguments& arguments, const EmbeddingModel& model) {
  const OutputArguments& output = arguments.output;
  if (output.dtype == "binary" && output.dimensions.value_or(model.embedding_dimension()) % 8 != 0)
    return usage_error("--dtype binary packs eight dimensions to a byte, and the model's are no multiple of 8");
  if (!output.dimensions) return {};
  auto checked =
      check_matryoshka(names_of(model), model.embedding_dimension(), *output.dimensions, output.force_dimensions);
  if (!checked) {
    std::string message = "--dimensions: " + checked.error().message;
    if (message.contains("Matryoshka")) message += "; --force-dimensions cuts all the same";
    return usage_error(std::move(message));
  }
  return {};
}

Settings journal_settings(const EmbedArguments& a, const Shard& shard) {
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : std::string("default"); };
  return {{"--input-format", a.input.format.value_or("default")},
          {"--column", joined(a.input.columns)},
          {"--join", a.input.join.value_or(" ")},
          {"--id", a.input.id.value_or("")},
          {"--keep", a.input.keep.value_or("all")},
          {"--where", a.input.where.value_or("")},
          {"--limit", number(a.input.limit)},
          {"--prompt", a.prompt.value_or("")},
          {"--prompt-name", a.prompt_name.value_or("")},
          {"--task", a.task},
          {"--max-length", number(a.max_length)},
          {"--on-long", a.on_long},
          {"--chunk-tokens", number(a.chunk_tokens)},
          {"--chunk-overlap", std::to_string(a.chunk_overlap)},
          {"--special-tokens", a.special_tokens},
          {"--tokenizer", a.tokenizer},
          {"--pooling", a.pooling.value_or("default")},
          {"--normalize", a.normalize ? "yes" : "no"},
          {"--dtype", a.output.dtype},
          {"--dimensions", number(a.output.dimensions)},
          {"--calibration", a.output.calibration ? a.output.calibration->string() : ""},
          {"--text-as", a.output.text_as.value_or("")},
          {"--with", joined(a.output.with)},
          {"--on-error", a.on_error == "continue" ? "skip" : a.on_error},
          {"--shard", std::format("{}/{}", shard.index, shard.count)}};
}

TableMetadata metadata_of(const EmbeddingModel& model, const JobOptions& options, const EmbedArguments& arguments) {
  TableMetadata metadata = provenance(model);
  if (options.prompt) metadata.emplace_back("llama.prompt", options.prompt->source());
  if (arguments.prompt_name) metadata.emplace_back("llama.prompt_name", *arguments.prompt_name);
  if (is_plain_output(arguments)) return metadata;
  metadata.emplace_back("llama.dtype", arguments.output.dtype);
  if (options.vectors.dimensions)
    metadata.emplace_back("llama.dimensions", std::to_string(*options.vectors.dimensions));
  metadata.emplace_back("llama.text_column", options.columns.text);
  if (arguments.output.path == "-") metadata.emplace_back("llama.prompts", known_prompts(model));
  metadata.emplace_back("llama.on_long", arguments.on_long);
  if (options.shard.count > 1)
    metadata.emplace_back("llama.shard", std::format("{}/{}", options.shard.index, options.shard.count));
  return metadata;
}

bool writes_folder(const OutputArguments& output, const Shard& shard) {
  return output.split_rows || output.split_size || shard.count > 1;
}

fs::path journal_path(const OutputArguments& output, const Shard& shard) {
  if (writes_folder(output, shard))
    return output.path / std::format(".{}.journal", shard.count > 1 ? part_name(shard) : "parts");
  return output.path.string() + ".journal";
}

bool has_journal(const OutputArguments& output, const Shard& shard) {
  std::error_code ignored;
  return fs::exists(journal_path(output, shard), ignored);
}

JobOptions job_options(const EmbedArguments& a, const EmbedInput& input, const Shard& shard,
                       const OutputColumns& columns, std::optional<PromptTemplate> prompt) {
  JobOptions options;
  options.batch_size = a.batch_size;
  options.text_columns = input.text_columns;
  options.join = a.input.join.value_or(" ");
  options.prompt = std::move(prompt);
  options.on_long = a.on_long == "error"   ? OnLong::Error
                    : a.on_long == "skip"  ? OnLong::Skip
                    : a.on_long == "chunk" ? OnLong::Chunk
                                           : OnLong::Truncate;
  options.chunk_tokens = a.chunk_tokens.value_or(0);
  options.chunk_overlap = a.chunk_overlap;
  options.skips_blank = is_plain_input(a.input);
  options.on_error = a.on_error == "fail" ? OnError::Fail : a.on_error == "null" ? OnError::Null : OnError::Skip;
  options.vectors = choose_vectors(a.output);
  options.columns = columns;
  options.shard = shard;
  options.answers_each_batch = a.output.path == "-";
  const bool is_folder = writes_folder(a.output, shard);
  if (input.reader->identity().is_repeatable && a.output.path != "-") {
    options.journal = journal_path(a.output, shard);
    options.settings = journal_settings(a, shard);
    options.restarts = a.restart;
    options.way_out = "--restart begins anew";
  }
  options.vector_store = a.vector_store;
  std::error_code ignored;
  options.scratch_folder = a.output.path == "-"              ? fs::temp_directory_path(ignored)
                           : is_folder                       ? a.output.path
                           : a.output.path.has_parent_path() ? a.output.path.parent_path()
                                                             : fs::path(".");
  return options;
}

}  // namespace llama
