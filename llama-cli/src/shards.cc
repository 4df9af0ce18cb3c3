#include "shards.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "console.h"
#include "exit_status.h"
#include "llama-corpus/shard_check.h"
#include "llama-corpus/shard_merge.h"
#include "llama-table/table_reader.h"
#include "llama-table/table_writer.h"
#include "progress.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRowsAtOnce = 1'000;

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

std::string_view name_of(ShardState state) {
  switch (state) {
    case ShardState::Whole:
      return "whole";
    case ShardState::Missing:
      return "missing";
    case ShardState::CutShort:
      return "cut short";
    case ShardState::Foreign:
      return "foreign";
  }
  return "";
}

void print(const ShardReport& report, const Console& console) {
  for (const CheckedShard& shard : report.shards) {
    if (shard.state == ShardState::Whole) continue;
    console.line("Shard {}/{}: {}{}", shard.shard.index, shard.shard.count, name_of(shard.state),
                 shard.reason.empty() ? "" : ": " + shard.reason);
  }
  for (const StrayFile& file : report.strays) console.line("File '{}': {}", file.path.string(), file.reason);
  const auto whole = std::ranges::count(report.shards, ShardState::Whole, &CheckedShard::state);
  const ShardCounts& c = report.counts;
  console.line("{} of {} shards are whole; rows in: {} = {} embedded + {} null + {} skipped; rows out: {}", whole,
               report.shards.size(), with_thousands(c.rows_in), with_thousands(c.embedded), with_thousands(c.null),
               with_thousands(c.skipped), with_thousands(c.rows_out));
}

Result<void> print_json(const ShardReport& report) {
  nlohmann::ordered_json shards = nlohmann::ordered_json::array(), strays = nlohmann::ordered_json::array();
  for (const CheckedShard& shard : report.shards)
    shards.push_back({{"shard", shard.shard.index}, {"state", name_of(shard.state)}, {"reason", shard.reason}});
  for (const StrayFile& file : report.strays) strays.push_back({{"file", file.path.string()}, {"reason", file.reason}});
  const ShardCounts& c = report.counts;
  const nlohmann::ordered_json whole = {{"is_whole", report.is_whole()}, {"shards", std::move(shards)},
                                        {"strays", std::move(strays)},   {"rows_in", c.rows_in},
                                        {"embedded", c.embedded},        {"null", c.null},
                                        {"skipped", c.skipped},          {"rows_out", c.rows_out}};
  return print_result(whole.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
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

Step<TableSummary> merge(const ShardsArguments& arguments, const ShardReport& report, const Interrupt& interrupt) {
  std::vector<ShardRows> shards;
  for (const CheckedShard& shard : report.shards) {
    std::vector<std::string> paths;
    for (const ShardPart& part : shard.manifest->parts) paths.push_back((arguments.folder / part.file).string());
    TableInput input = input_of(std::move(paths), Keep::All);
    input.prompt_columns = {"row"};
    auto reader = TableReader::open(std::move(input), interrupt.token());
    if (!reader) return stop_with(reader.error(), kInputError);
    shards.emplace_back(std::move(*reader), interrupt.token());
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(arguments.folder, ignored)) {
    if (fs::equivalent(entry.path(), *arguments.merge, ignored))
      for (const CheckedShard& shard : report.shards)
        for (const ShardPart& part : shard.manifest->parts)
          if (entry.path().filename() == part.file)
            return usage_error(std::format("the output would replace the shards' part '{}'", entry.path().string()));
  }
  TableOutput output{.path = *arguments.merge,
                     .existing = arguments.force ? ExistingFile::Replace : ExistingFile::Refuse};
  output.format = output_format_of_name(*arguments.merge).value_or(OutputFormat::Parquet);
  for (const auto& [name, value] : report.shards.front().manifest->settings)
    output.metadata.emplace_back("llama.setting." + name.substr(name.find_first_not_of('-')), value);
  output.metadata.emplace_back("llama.model_sha256", report.shards.front().manifest->model);
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
  print(*report, console);
  if (arguments.json)
    if (auto printed = print_json(*report); !printed) return report_failure({printed.error(), kOutputError}, interrupt);
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
