#include "shards.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <functional>
#include <map>
#include <memory>
#include <system_error>

#include "console.h"
#include "exit_status.h"
#include "llama-corpus/shard_check.h"
#include "llama-corpus/shard_merge.h"
#include "llama-table/table_reader.h"
#include "llama-table/table_writer.h"
#include "llama-table/vector_table.h"
#include "progress.h"
#include "shards_report.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRowsAtOnce = 1'000;

// What the vectors of one file, and the query that is to be compared with them, are made with.
constexpr std::array<std::string_view, 13> kSameInAll = {
    "llama.int8_scales", "llama.prompt",     "llama.prompt_name",     "llama.pooling",    "llama.dense_layers",
    "llama.dimension",   "llama.dimensions", "llama.normalized",      "llama.max_length", "llama.special_tokens",
    "llama.tokenizer",   "llama.dtype",      "llama.model_size_bytes"};
// Where a model lies differs from machine to machine; that it is the same one, the manifests say.
constexpr std::array<std::string_view, 3> kOfFirst = {"llama.model_source", "llama.model_file", "llama.model_commit"};
// Those of all: "CPU, CUDA0".
constexpr std::array<std::string_view, 3> kListed = {"llama.kernels", "llama.device", "llama.program"};

// text_hash is a column of text in every output, and so a way to open it.
TableInput input_of(std::vector<std::string> paths, Keep keep) {
  TableInput input;
  input.paths = std::move(paths);
  input.columns = {"text_hash"};
  input.keep = keep;
  return input;
}

Result<std::uint64_t> rows_of(const fs::path& part) {
  auto reader = TableReader::open(input_of({part.string()}, Keep::None));
  if (!reader) return std::unexpected(reader.error());
  auto count = (*reader)->count({});
  if (!count) return std::unexpected(count.error());
  return count->value_or(0);
}

// The rows of one shard, one after the other.
class ShardRows {
 public:
  ShardRows(std::unique_ptr<RowReader> reader, std::stop_token stop)
      : reader_(std::move(reader)), stop_(std::move(stop)) {}

  // The number that the next row has in its column "row".
  Result<std::optional<std::uint64_t>> next() {
    ++at_;
    while (at_ >= batch_.rows.size()) {
      if (batch_.state == RowState::End) return std::nullopt;
      auto batch = reader_->next(stop_);
      if (!batch) return std::unexpected(batch.error());
      batch_ = std::move(*batch);
      at_ = 0;
    }
    const Row& row = batch_.rows[at_];
    if (!row.cells) return std::unexpected(row.cells.error());
    const std::string text = row.cells->at(1).value_or("");
    std::uint64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
      return fail(ErrorCode::Corrupt, std::format("a row of a shard has no number but '{}'", text));
    return number;
  }
  [[nodiscard]] KeptRow present() const { return {.rows = batch_.kept, .index = at_}; }
  [[nodiscard]] const RowReader& reader() const { return *reader_; }

 private:
  std::unique_ptr<RowReader> reader_;
  std::stop_token stop_;
  RowBatch batch_;
  std::size_t at_ = 0;
};

using PartValues = std::map<std::string, std::string, std::less<>>;

PartValues our_metadata(const TableFilePart& part) {
  PartValues values;
  for (const auto& [key, value] : part.metadata)
    if (key.starts_with("llama.")) values.insert_or_assign(key, value);
  return values;
}

std::string value_of(const PartValues& values, std::string_view key) {
  const auto at = values.find(key);
  return at == values.end() ? "" : at->second;
}

std::string name_of(const TableFilePart& part) { return fs::path(part.path).filename().string(); }

// What the parts say of their vectors, as one file that has the rows of all says it: what all have in common, when the
// last was made, and of what may differ each value that comes.
Result<PartValues> common_metadata(const std::vector<TableFilePart>& parts) {
  const PartValues first = our_metadata(parts.front());
  PartValues common = first;
  std::map<std::string_view, std::vector<std::string>> listed;
  std::string created;
  for (const TableFilePart& part : parts) {
    const PartValues values = our_metadata(part);
    for (const std::string_view key : kSameInAll) {
      if (value_of(values, key) != value_of(first, key))
        return fail(ErrorCode::InvalidArgument,
                    std::format("parts '{}' and '{}' differ in '{}', so that their vectors cannot stand in one file; "
                                "embed --shard with --force computes a shard again",
                                name_of(parts.front()), name_of(part), key));
    }
    for (const std::string_view key : kListed) {
      std::string value = value_of(values, key);
      if (!value.empty() && !std::ranges::contains(listed[key], value)) listed[key].push_back(std::move(value));
    }
    created = std::max(created, value_of(values, "llama.created"));
    std::erase_if(common, [&](const auto& known) { return value_of(values, known.first) != known.second; });
  }
  for (const std::string_view key : kOfFirst)
    if (first.contains(key)) common[std::string(key)] = value_of(first, key);
  for (const auto& [key, values] : listed) {
    std::string all;
    for (const std::string& value : values) all += (all.empty() ? "" : ", ") + value;
    common.insert_or_assign(std::string(key), std::move(all));
  }
  if (!created.empty()) common["llama.created"] = created;
  return common;
}

std::vector<std::string> parts_of(const CheckedShard& shard, const fs::path& folder) {
  std::vector<std::string> paths;
  for (const ShardPart& part : shard.manifest->parts) paths.push_back((folder / part.file).string());
  return paths;
}

Step<TableMetadata> merged_metadata(const ShardsArguments& arguments, const ShardReport& report,
                                    const Interrupt& interrupt) {
  VectorInput input{.paths = {}, .column = "embedding"};
  for (const CheckedShard& shard : report.shards) input.paths.append_range(parts_of(shard, arguments.folder));
  const auto table = VectorTable::open(input, interrupt.token());
  if (!table) return stop_with(table.error(), kInputError);
  auto values = common_metadata((*table)->files());
  if (!values) return stop_with(values.error(), kInputError);
  const ShardManifest& manifest = *report.shards.front().manifest;
  values->insert_or_assign("llama.model_sha256", manifest.model);
  for (const auto& [name, value] : manifest.settings)
    values->insert_or_assign("llama.setting." + name.substr(name.find_first_not_of('-')), value);
  return TableMetadata(values->begin(), values->end());
}

Step<TableSummary> merge(const ShardsArguments& arguments, const ShardReport& report, const Interrupt& interrupt) {
  std::vector<ShardRows> shards;
  for (const CheckedShard& shard : report.shards) {
    TableInput input = input_of(parts_of(shard, arguments.folder), Keep::All);
    input.prompt_columns = {"row"};
    auto reader = TableReader::open(std::move(input), interrupt.token());
    if (!reader) return stop_with(reader.error(), kInputError);
    shards.emplace_back(std::move(*reader), interrupt.token());
  }
  std::error_code ignored;
  for (const CheckedShard& shard : report.shards)
    for (const std::string& part : parts_of(shard, arguments.folder))
      if (fs::equivalent(part, *arguments.merge, ignored))
        return usage_error(std::format("the output would replace the shards' part '{}'", part));
  TableOutput output{.path = *arguments.merge,
                     .existing = arguments.force ? ExistingFile::Replace : ExistingFile::Refuse};
  output.format = output_format_of_name(*arguments.merge).value_or(OutputFormat::Parquet);
  auto metadata = merged_metadata(arguments, report, interrupt);
  if (!metadata) return std::unexpected(metadata.error());
  output.metadata = std::move(*metadata);
  auto writer = open_table_writer(output, &shards.front().reader(), {});
  if (!writer) return stop_with(writer.error(), kOutputError);
  ShardMerge order(static_cast<std::uint32_t>(shards.size()),
                   [&](std::uint32_t shard) { return shards[shard].next(); });
  std::vector<KeptRow> rows;
  for (;;) {
    const auto shard = order.next();
    if (!shard) return stop_with(shard.error(), kInputError);
    if (*shard) rows.push_back(shards[**shard].present());
    if (rows.size() >= kRowsAtOnce || (!*shard && !rows.empty())) {
      if (auto written = (*writer)->write(rows, {}); !written) return stop_with(written.error(), kOutputError);
      rows.clear();
    }
    if (!*shard) break;
  }
  auto summary = (*writer)->close({});
  if (!summary) return stop_with(summary.error(), kOutputError);
  return std::move(*summary);
}

int report_failure(const Failure& failure, const Interrupt& interrupt) {
  if (failure.error.code == ErrorCode::Cancelled) {
    tell("Interrupted: {}", failure.error.message);
    return interrupt.exit_status();
  }
  tell("Error: {}", failure.error.message);
  return failure.status;
}

}  // namespace

int run_shards(const ShardsArguments& arguments, const Interrupt& interrupt) {
  const Console console{.quiet = arguments.quiet, .stream = arguments.json ? stderr : stdout};
  if (arguments.merge) {
    if (auto known = output_format_of_name(*arguments.merge); !known)
      return report_failure({{known.error().code, "--merge " + known.error().message}, kUsageError}, interrupt);
  }
  const auto report = check_shards(arguments.folder, rows_of);
  if (!report) return report_failure({report.error(), kInputError}, interrupt);
  print_shards(*report, console);
  if (arguments.json)
    if (auto printed = print_shards_json(*report); !printed)
      return report_failure({printed.error(), kOutputError}, interrupt);
  if (!report->has_all_shards()) {
    if (arguments.merge) tell("Error: not every shard is whole, so there is nothing to merge");
    return kInputError;
  }
  // A merge reads the shards' own parts and nothing else.
  if (!arguments.merge && !report->strays.empty())
    tell("Error: every shard is whole, but the folder has files that are no part of them (above); remove those");
  if (!arguments.merge) return report->is_whole() ? kDone : kInputError;
  const auto summary = merge(arguments, *report, interrupt);
  if (!summary) return report_failure(summary.error(), interrupt);
  console.line("Output written to: {} ({} rows, {})", arguments.merge->string(), with_thousands(summary->rows),
               format_size(summary->size_bytes));
  return kDone;
}

Command shards_command() {
  const auto arguments = std::make_shared<ShardsArguments>();
  return {.name = "shards",
          .help = "Check the shards that embed --shard has written, and make one file of them",
          .flags = {{.name = "folder",
                     .target = &arguments->folder,
                     .help = "Where they were written: embed's --output",
                     .value = "FOLDER",
                     .required = true},
                    {.name = "--merge",
                     .target = &arguments->merge,
                     .help = "Write this file with the rows of all, in the input's order",
                     .value = "FILE"},
                    {.name = "--force", .target = &arguments->force, .help = "Replace an existing file"},
                    {.name = "--json", .target = &arguments->json, .help = "Print JSON"},
                    {.name = "--quiet", .target = &arguments->quiet, .help = "Print errors only"}},
          .footer = kStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return run_shards(*arguments, interrupt); }};
}

}  // namespace llama
