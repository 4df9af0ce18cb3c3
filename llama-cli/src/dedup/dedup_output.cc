#include "dedup/dedup_output.h"

#include <algorithm>
#include <format>
#include <set>
#include <system_error>
#include <utility>

#include "exit_status.h"
#include "vectors/vector_input.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

TableOutput output_of_dedup(const DedupArguments& arguments, const VectorFile& file) {
  TableOutput output;
  output.path = arguments.output;
  if (arguments.split_rows)
    output.format = file.table().format() == "arrow" ? OutputFormat::ArrowFile : OutputFormat::Parquet;
  else  // check_dedup_output() refuses others
    output.format = output_format_of_name(arguments.output).value_or(OutputFormat::Parquet);
  output.split_rows = arguments.split_rows;
  output.existing = arguments.force ? ExistingFile::Replace : ExistingFile::Refuse;
  output.metadata = file.table().files().front().metadata;
  output.metadata.emplace_back("llama.dedup_threshold", std::format("{}", arguments.threshold.value_or(0.97F)));
  return output;
}

// DuckDB and Spark take names that differ only in capitals for one.
std::string in_small_letters(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

std::vector<std::pair<std::string, std::string>> names_in_our_way(const VectorFile& file) {
  std::set<std::string> taken = {"group", "kept"};
  for (const TableColumn& column : file.table().columns()) taken.insert(in_small_letters(column.name));
  std::vector<std::pair<std::string, std::string>> renamed;
  for (const TableColumn& column : file.table().columns()) {
    const std::string small = in_small_letters(column.name);
    if (small != "group" && small != "kept") continue;
    std::string name = column.name + "_input";
    while (!taken.insert(in_small_letters(name)).second) name += "_";
    tell("Note: the input's column '{}' is written as '{}', beside ours", column.name, name);
    renamed.emplace_back(column.name, std::move(name));
  }
  return renamed;
}

// The rows that are written, rising.
std::vector<std::uint64_t> rows_to_write(const DuplicateGroups& groups, bool drop) {
  std::vector<std::uint64_t> rows;
  for (std::uint64_t row = 0; row < groups.group.size(); ++row)
    if (!drop || groups.group[row] == row) rows.push_back(row);
  return rows;
}

std::vector<ColumnValues> values_of(const std::vector<Row>& rows, const DuplicateGroups& groups) {
  std::vector<ColumnValues> values(2);
  for (const Row& row : rows) {
    const std::uint64_t group = groups.group[row.number];
    values[0].integers.push_back(static_cast<std::int64_t>(group));
    values[0].valid.push_back(groups.has_vector[row.number]);
    values[1].integers.push_back(group == row.number ? 1 : 0);
  }
  return values;
}

}  // namespace

Step<void> check_dedup_output(const DedupArguments& arguments, const VectorFile& file) {
  if (arguments.output.empty()) return {};
  if (arguments.output == "-") return usage_error("dedup writes files: -o names one");
  if (arguments.split_rows == 0) return usage_error("--split-rows needs at least one row");
  if (auto known = output_format_of_name(arguments.output); !known && !arguments.split_rows)
    return usage_error("--output " + known.error().message);
  std::error_code ignored;
  for (const TableFilePart& part : file.table().files()) {
    const bool is_folder =
        arguments.split_rows && fs::equivalent(fs::path(part.path).parent_path(), arguments.output, ignored);
    if (is_folder || fs::equivalent(part.path, arguments.output, ignored))
      return usage_error(std::format("the output would replace the input ('{}')", part.path));
  }
  TableOutput output = output_of_dedup(arguments, file);
  if (auto checked = check_output(output); !checked) {
    Error error = checked.error();
    output.existing = ExistingFile::Replace;
    if (!arguments.force && check_output(output)) error.message += "; --force replaces it";
    return stop_with(std::move(error), kOutputError);
  }
  return {};
}

Step<TableSummary> write_groups(const DedupArguments& arguments, const VectorFile& file, const DuplicateGroups& groups,
                                const Interrupt& interrupt) {
  WantedColumns wanted;
  for (const TableColumn& column : file.table().columns()) wanted.keep.push_back(column.name);
  auto reader = file.table().rows_at(rows_to_write(groups, arguments.drop), wanted);
  if (!reader) return stop_with(reader.error(), vector_status(reader.error().code));
  std::vector<ColumnSpec> columns;
  std::vector<std::pair<std::string, std::string>> renamed;
  if (!arguments.drop) {
    columns = {{.name = "group", .type = ColumnType::Integer, .nullable = true},
               {.name = "kept", .type = ColumnType::Boolean}};
    renamed = names_in_our_way(file);
  }
  auto writer = open_table_writer(output_of_dedup(arguments, file), reader->get(), columns, renamed);
  if (!writer) return stop_with(writer.error(), kOutputError);
  for (;;) {
    const auto batch = (*reader)->next(interrupt.token());
    if (!batch) return stop_with(batch.error(), vector_status(batch.error().code));
    std::vector<KeptRow> kept;
    for (std::size_t i = 0; i < batch->rows.size(); ++i) kept.push_back({.rows = batch->kept, .index = i});
    const std::vector<ColumnValues> values =
        arguments.drop ? std::vector<ColumnValues>() : values_of(batch->rows, groups);
    if (!kept.empty())
      if (auto written = (*writer)->write(kept, values); !written) return stop_with(written.error(), kOutputError);
    if (batch->state == RowState::End) break;
  }
  auto summary = (*writer)->close({});
  if (!summary) return stop_with(summary.error(), kOutputError);
  return std::move(*summary);
}

}  // namespace llama
