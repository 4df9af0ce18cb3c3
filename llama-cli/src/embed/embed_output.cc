#include "embed/embed_output.h"

#include <algorithm>
#include <format>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "embed/embed_settings.h"
#include "exit_status.h"
#include "llama-corpus/interrupted_run.h"
#include "llama-corpus/shard_manifest.h"
#include "llama-table/table_reader.h"
#include "progress.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

OutputFormat format_of(const OutputArguments& arguments) {
  if (arguments.path == "-") return OutputFormat::ArrowStream;
  if (arguments.format) return *arguments.format == "parquet" ? OutputFormat::Parquet : OutputFormat::ArrowFile;
  return output_format_of_name(arguments.path).value_or(OutputFormat::Parquet);  // check_ending() refuses others
}

// DuckDB and Spark take names that differ only in capitals for one.
std::string without_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored) || fs::weakly_canonical(a, ignored) == fs::weakly_canonical(b, ignored);
}

// Every file that the run reads or keeps, with what it is to people.
std::vector<std::pair<fs::path, std::string>> used_files(const EmbedArguments& a, const InputIdentity& input,
                                                         const ModelSource& model) {
  std::vector<std::pair<fs::path, std::string>> used;
  for (const std::string& path : a.input.paths)
    if (path != "-") used.emplace_back(path, "the input");
  for (const std::string& file : input.files) used.emplace_back(file, "the input");
  if (const LocalSource* local = model.local()) {
    std::error_code ignored;
    if (local->filename) used.emplace_back(local->folder / *local->filename, "the model");
    for (const auto& entry : fs::directory_iterator(local->folder, ignored))  // a split model, its tokenizer
      if (entry.path().extension() == ".gguf" || entry.path().filename() == "tokenizer.json")
        used.emplace_back(entry.path(), "the model");
  }
  if (a.vector_store) used.emplace_back(*a.vector_store, "the vector store");
  if (a.output.calibration) used.emplace_back(*a.output.calibration, "the calibration file");
  if (!a.config.empty()) used.emplace_back(a.config, "the file of --config");
  return used;
}

// Files are compared by what they are, not by how they are called: the output, its journal, and of a folder the parts
// that a run with --force removes.
//
// Cost: a look at the folder, and a comparison of each of its parts with each file.
Step<void> check_replaces_nothing(const EmbedArguments& arguments, const Shard& shard, const TableOutput& output,
                                  const InputIdentity& input, const ModelSource& model) {
  if (arguments.output.path == "-") return {};
  std::vector<fs::path> written = {journal_path(arguments.output, shard)};
  if (!writes_folder(arguments.output, shard)) written.push_back(arguments.output.path);
  std::error_code ignored;
  if (writes_folder(arguments.output, shard))
    for (const auto& entry : fs::directory_iterator(arguments.output.path, ignored))
      if (entry.path().filename().string().starts_with(output.part_prefix + "-")) written.push_back(entry.path());
  for (const auto& [file, what] : used_files(arguments, input, model))
    for (const fs::path& path : written)
      if (is_same_file(file, path))
        return usage_error(std::format("the output would replace {} ('{}')", what, file.string()));
  return {};
}

// The file is what an interrupted run wrote, which was killed before its journal went. Its rows are compared, lest
// somebody else's file goes that has got the name since.
bool is_finished_output(const OutputArguments& a, const Shard& shard) {
  std::error_code ignored;
  if (a.path == "-" || !fs::is_regular_file(a.path, ignored)) return false;
  const auto announced = announced_rows(journal_path(a, shard));
  if (!announced) return false;
  TableInput input;
  input.paths = {a.path.string()};
  input.columns = {OutputColumns().text_hash};
  input.keep = Keep::None;
  const auto reader = TableReader::open(std::move(input));
  if (!reader) return false;
  const auto rows = (*reader)->count({});
  return rows && *rows == *announced;
}

}  // namespace

bool may_be_done(const EmbedArguments& arguments, const Shard& shard, const InputIdentity& input) {
  const OutputArguments& a = arguments.output;
  std::error_code ignored;
  return shard.count > 1 && !a.force && !arguments.restart && input.is_repeatable && !has_journal(a, shard) &&
         fs::exists(manifest_path(a.path, shard), ignored);
}

Step<TableOutput> choose_output(const EmbedArguments& arguments, const Shard& shard, const InputIdentity& input,
                                const ModelSource& model) {
  const OutputArguments& a = arguments.output;
  TableOutput output;
  output.path = a.path;
  output.format = format_of(a);
  if (a.path == "-" && a.format == "parquet")
    return usage_error("Parquet cannot be written to standard output; --output-format arrow can");
  if (a.compression) output.compression = parse_compression(*a.compression);
  if (output.format != OutputFormat::Parquet && (a.compression == "snappy" || a.compression == "gzip"))
    return usage_error(std::format("--compression {} is none of Arrow's; zstd, lz4 and none are", *a.compression));
  output.row_group_rows = a.row_group;
  output.split_rows = a.split_rows;
  if (a.split_size) {
    const auto size = parse_size(*a.split_size);
    if (!size) return stop_with(size.error(), kUsageError);
    output.split_bytes = *size;
  }
  if (a.split_rows == 0) return usage_error("--split-rows needs at least one row");
  if (shard.count > 1) {
    if (a.path == "-") return usage_error("a shard has files of its own; -o names their folder");
    output.part_prefix = part_name(shard);
    if (!output.split_rows && !output.split_bytes) output.split_bytes = std::uint64_t{1} << 40;
  }
  // What an interrupted run has finished is written again from its journal.
  const bool goes_on = writes_folder(a, shard) ? has_journal(a, shard) : is_finished_output(a, shard);
  output.existing =
      a.force || goes_on || may_be_done(arguments, shard, input) ? ExistingFile::Replace : ExistingFile::Refuse;
  if (auto kept = check_replaces_nothing(arguments, shard, output, input, model); !kept)
    return std::unexpected(kept.error());
  if (auto known = check_ending(a); !known) return std::unexpected(known.error());
  if (!writes_folder(a, shard)) output.max_elements.reset();  // check_rows()
  if (auto checked = check_output(output); !checked) {
    Error error = checked.error();
    const ExistingFile asked = std::exchange(output.existing, ExistingFile::Replace);
    if (asked == ExistingFile::Refuse && check_output(output)) error.message += "; --force replaces it";
    return stop_with(std::move(error), kOutputError);
  }
  return output;
}

OutputNames choose_names(const EmbedArguments& arguments, const EmbedInput& input) {
  OutputNames names;
  OutputColumns& columns = names.columns;
  columns.is_plain = is_plain_output(arguments);
  columns.text = arguments.output.text_as.value_or(input.text_name);
  const auto wants = [&](std::string_view name) { return std::ranges::contains(arguments.output.with, name); };
  if (wants("token_count")) columns.token_count = "token_count";
  if (wants("truncated")) columns.truncated = "truncated";
  if (wants("error") || arguments.on_error == "null") columns.error = "error";
  if (wants("row") || arguments.shard) columns.row = "row";
  if (arguments.on_long == "chunk") {
    columns.chunk_index = "chunk_index";
    columns.chunk_start = "chunk_start";
    columns.chunk_end = "chunk_end";
  }
  std::set<std::string> taken;
  for (const std::string& name : {columns.text, columns.text_hash, columns.embedding, columns.sequence_length,
                                  columns.processing_time_ms, columns.token_count, columns.truncated, columns.error,
                                  columns.row, columns.chunk_index, columns.chunk_start, columns.chunk_end})
    taken.insert(without_case(name));
  const std::vector<ColumnDescription> kept = input.reader->kept_columns();
  std::set<std::string> all = taken;
  for (const ColumnDescription& column : kept) all.insert(without_case(column.name));
  std::map<std::string, std::string> seen;
  for (const ColumnDescription& column : kept) {
    if (!taken.contains(without_case(column.name))) {
      const auto [first, is_new] = seen.emplace(without_case(column.name), column.name);
      if (!is_new) names.alike.emplace_back(first->second, column.name);
      continue;
    }
    std::string name = column.name + "_input";
    while (all.contains(without_case(name))) name += "_";
    all.insert(without_case(name));
    names.renamed.emplace_back(column.name, std::move(name));
  }
  return names;
}

Step<void> check_names(const OutputColumns& c) {
  for (const std::string& ours : {c.text_hash, c.embedding, c.sequence_length, c.processing_time_ms, c.token_count,
                                  c.truncated, c.error, c.row, c.chunk_index, c.chunk_start, c.chunk_end}) {
    if (ours.empty() || without_case(c.text) != without_case(ours)) continue;
    return usage_error(
        std::format("the text's column would be called '{}', and one of ours is called '{}'; --text-as "
                    "gives it another name",
                    c.text, ours));
  }
  return {};
}

std::optional<std::uint64_t> most_rows(const EmbedArguments& arguments, const Shard& shard,
                                       const EmbeddingModel& model) {
  const OutputArguments& a = arguments.output;
  const auto values = TableOutput().max_elements;
  if (!values || writes_folder(a, shard) || is_plain_output(arguments) || a.path == "-") return std::nullopt;
  const auto dimension = static_cast<std::uint64_t>(a.dimensions.value_or(model.embedding_dimension()));
  return *values / (a.dtype == "binary" ? dimension / 8 : dimension);
}

Step<void> check_rows(const EmbedInput& input, std::optional<std::uint64_t> most) {
  if (!most || input.rows.value_or(0) <= *most) return {};
  return usage_error(
      std::format("the input has {} rows, and many readers take no file of more than {} with so many dimensions; "
                  "--split-rows or --split-size writes a folder of parts",
                  with_thousands(*input.rows), with_thousands(*most)));
}

void tell_of_rows(std::uint64_t rows, std::optional<std::uint64_t> most) {
  if (!most || rows <= *most) return;
  tell(
      "Warning: the output has {} rows, and readers that count in 31 bits take no file of more than {} with so many "
      "dimensions; --split-rows or --split-size writes a folder of parts",
      with_thousands(rows), with_thousands(*most));
}

// A run numbers its parts from 0, and before its first one there was none.
Error leave_parts(Error error, const TableOutput& output) {
  const std::string_view ending = output.format == OutputFormat::Parquet ? ".parquet" : ".arrow";
  std::error_code failed;
  for (std::uint64_t number = 0;; ++number) {
    const fs::path part = output.path / std::format("{}-{:05}{}", output.part_prefix, number, ending);
    if (error.code == ErrorCode::Cancelled ? fs::remove(part, failed) : fs::exists(part, failed)) continue;
    if (failed) {
      error.message += std::format(", but part '{}' stays: {}", part.string(), failed.message());
    } else if (number > 0 && error.code != ErrorCode::Cancelled) {
      error.message += std::format("; {} in '{}', and the same command with --force begins anew",
                                   number == 1 ? "a whole part stays" : std::format("{} whole parts stay", number),
                                   output.path.string());
    }
    return error;
  }
}

VectorFormat choose_vectors(const OutputArguments& arguments) {
  VectorFormat format;
  if (arguments.dtype == "float16") format.element = VectorElement::Float16;
  if (arguments.dtype == "int8") format.element = VectorElement::Int8;
  if (arguments.dtype == "binary") format.element = VectorElement::Bits;
  format.dimensions = arguments.dimensions;
  format.calibration = arguments.calibration;
  return format;
}

}  // namespace llama
