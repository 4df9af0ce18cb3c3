#include "vectors/search_output.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "exit_status.h"
#include "llama-table/row_json.h"
#include "llama-table/table_writer.h"
#include "vectors/terminal_text.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCellColumns = 24;
constexpr std::size_t kLeastTextColumns = 20;

// Rows of one query, which are held until its widths are known.
class FoundTable {
 public:
  explicit FoundTable(const FoundColumns& columns) : has_text_(!columns.text.empty()) {
    header_ = {"score"};
    if (columns.has_similarity) header_.emplace_back("similarity");
    header_.emplace_back("row");
    numbers_ = header_.size();
    for (const std::string& name : columns.kept) header_.push_back(columns.shown_name(name));
    if (has_text_) header_.emplace_back("text");
  }

  void add(FoundRow row) {
    std::vector<std::string> line = {std::format("{:.4f}", row.hit.score)};
    if (row.hit.similarity) line.push_back(std::format("{:.4f}", *row.hit.similarity));
    line.push_back(std::to_string(row.hit.row));
    line.append_range(std::move(row.cells));
    line.resize(header_.size() - (has_text_ ? 1 : 0));
    if (has_text_) line.push_back(std::move(row.text));
    lines_.push_back(std::move(line));
  }

  Result<void> print(const std::string& title) {
    if (!title.empty())
      if (auto printed = print_result(fitted(title, terminal_columns())); !printed) return printed;
    const std::vector<std::size_t> widths = find_widths();
    if (auto printed = print_line(header_, widths); !printed) return printed;
    for (const auto& line : std::exchange(lines_, {}))
      if (auto printed = print_line(line, widths); !printed) return printed;
    return {};
  }

 private:
  // The last column, the text, has what the others leave.
  std::vector<std::size_t> find_widths() const {
    std::vector<std::size_t> widths;
    std::size_t used = 0;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      std::size_t width = columns_of(header_[i]);
      for (const auto& line : lines_) width = std::max(width, columns_of(fitted(line[i], kMaxCellColumns)));
      widths.push_back(std::min(width, kMaxCellColumns));
      used += widths.back() + 2;
    }
    if (has_text_) {
      used -= widths.back() + 2;
      const std::size_t all = terminal_columns();
      widths.back() = std::max(kLeastTextColumns, all > used ? all - used : 0);
    }
    return widths;
  }

  // A line that is too long for the terminal is cut, not folded.
  Result<void> print_line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += "  ";
      const bool is_number = i < numbers_;
      const bool is_last = i + 1 == cells.size();
      line += is_number ? std::format("{:>{}}", cells[i], widths[i])
              : is_last ? fitted(cells[i], widths[i])
                        : padded_to(cells[i], widths[i]);
    }
    return print_result(fitted(line, terminal_columns()));
  }

  bool has_text_;
  std::size_t numbers_ = 0;  // columns of our own in front
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> lines_;
};

TableOutput output_of(const SearchArguments& arguments) {
  return {.path = arguments.output,
          // check_found_output() refuses others
          .format = output_format_of_name(arguments.output).value_or(OutputFormat::Parquet),
          .existing = arguments.force ? ExistingFile::Replace : ExistingFile::Refuse};
}

}  // namespace

Result<void> print_found_table(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                               const std::stop_token& stop) {
  const bool has_titles = queries.texts.size() > 1;
  std::size_t query = 0;
  FoundTable table(columns);
  const auto print = [&](std::size_t of) -> Result<void> {
    if (!has_titles) return table.print("");
    if (of > 0)
      if (auto printed = print_result(""); !printed) return printed;
    return table.print("Query: " + queries.texts[of]);
  };
  auto done = rows.for_each(stop, [&](FoundRow row) -> Result<void> {
    for (; query < row.query; ++query)
      if (auto printed = print(query); !printed) return printed;
    table.add(std::move(row));
    return {};
  });
  if (!done) return done;
  for (; query < queries.texts.size(); ++query)
    if (auto printed = print(query); !printed) return printed;
  return {};
}

Result<void> print_found_json(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                              const std::stop_token& stop) {
  using Json = nlohmann::ordered_json;
  return rows.for_each(stop, [&](FoundRow row) -> Result<void> {
    Json object = Json::object();
    if (queries.texts.size() > 1) object["query"] = queries.texts[row.query];
    object["row"] = row.hit.row;
    object["score"] = row.hit.score;
    if (row.hit.similarity) object["similarity"] = *row.hit.similarity;
    if (!columns.text.empty()) object["text"] = row.is_null_text ? Json(nullptr) : Json(row.text);
    const auto kept = json_of_row(row.kept.rows, row.kept.index);
    if (!kept) return std::unexpected(kept.error());
    for (auto& [name, value] : Json::parse(*kept, nullptr, false).items()) object[columns.shown_name(name)] = value;
    return print_result(object.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

Step<void> check_found_output(const SearchArguments& arguments, const VectorFile& file) {
  if (arguments.output.empty()) return {};
  if (arguments.json) return usage_error("--json prints what --output would write; choose one");
  if (auto known = output_format_of_name(arguments.output); !known)
    return usage_error("--output " + known.error().message);
  std::error_code ignored;
  if (arguments.queries && fs::equivalent(*arguments.queries, arguments.output, ignored))
    return usage_error(std::format("the output would replace the queries' file '{}'", arguments.queries->string()));
  for (const TableFilePart& part : file.table().files())
    if (fs::equivalent(part.path, arguments.output, ignored))
      return usage_error(std::format("the output would replace the vectors' file '{}'", part.path));
  TableOutput output = output_of(arguments);
  if (auto checked = check_output(output); !checked) {
    Error error = checked.error();
    output.existing = ExistingFile::Replace;
    if (!arguments.force && check_output(output)) error.message += "; --force replaces it";
    return stop_with(std::move(error), kOutputError);
  }
  return {};
}

Step<TableSummary> write_found(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                               const SearchArguments& arguments, const std::stop_token& stop) {
  constexpr std::size_t kRowsAtOnce = 1'000;
  std::vector<ColumnSpec> computed = {{.name = "query", .type = ColumnType::Text},
                                      {.name = "row", .type = ColumnType::Integer},
                                      {.name = "score", .type = ColumnType::Number}};
  const bool has_text = !columns.text.empty();
  if (columns.has_similarity) computed.push_back({.name = "similarity", .type = ColumnType::Number});
  if (has_text) computed.push_back({.name = "text", .type = ColumnType::Text, .nullable = true});
  auto writer = open_table_writer(output_of(arguments), &rows.reader(), computed, columns.renamed);
  if (!writer) return stop_with(writer.error(), kOutputError);
  std::vector<KeptRow> kept;
  std::vector<ColumnValues> values(computed.size());
  const auto flush = [&]() -> Result<void> {
    if (values[1].integers.empty()) return {};
    auto written = (*writer)->write(kept, values);
    kept.clear();
    values.assign(computed.size(), {});
    return written;
  };
  bool is_output = false;
  auto done = rows.for_each(stop, [&](FoundRow row) -> Result<void> {
    if (!columns.kept.empty()) kept.push_back(row.kept);
    values[0].texts.push_back(queries.texts[row.query]);
    values[1].integers.push_back(static_cast<std::int64_t>(row.hit.row));
    values[2].numbers.push_back(row.hit.score);
    if (row.hit.similarity) values[3].numbers.push_back(*row.hit.similarity);
    if (has_text) {
      values.back().texts.push_back(std::move(row.text));
      values.back().valid.push_back(!row.is_null_text);
    }
    if (values[1].integers.size() < kRowsAtOnce) return {};
    auto flushed = flush();
    is_output = !flushed;
    return flushed;
  });
  if (!done) return stop_with(done.error(), is_output ? kOutputError : kInputError);
  if (auto flushed = flush(); !flushed) return stop_with(flushed.error(), kOutputError);
  auto summary = (*writer)->close({});
  if (!summary) return stop_with(summary.error(), kOutputError);
  return std::move(*summary);
}

}  // namespace llama
