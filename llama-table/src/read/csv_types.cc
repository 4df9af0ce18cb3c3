#include "read/csv_types.h"

#include <arrow/array.h>

#include <array>
#include <cctype>
#include <format>
#include <string_view>
#include <utility>

#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::uint64_t kSampleRows = 1000;

struct CsvType {
  std::string_view name;
  std::string_view test;  // of a value c that is not null
};

// The first that fits. A DOUBLE has 15 digits that are sure; a number of 16 or 17 is one where it is what a program
// wrote of a double: that prints back to the same digits. A leading zero or plus means something to someone. DuckDB's
// "infinity" among dates is one that nobody else has.
constexpr std::array<CsvType, 5> kCsvTypes = {{
    {"BIGINT", "TRY_CAST(c AS BIGINT)::VARCHAR = c"},
    {"DOUBLE",
     "regexp_full_match(c, '-?(0|[1-9][0-9]{0,14})([.][0-9]{1,15})?([eE][-+]?[0-9]{1,3})?') AND "
     "length(regexp_replace(c, '[^0-9]', '', 'g')) <= 16 AND isfinite(TRY_CAST(c AS DOUBLE)) OR "
     "regexp_full_match(c, '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]{1,3})?') AND "
     "isfinite(TRY_CAST(c AS DOUBLE)) AND TRY_CAST(c AS DOUBLE)::VARCHAR = c"},
    {"BOOLEAN", "c IN ('true', 'false')"},
    {"DATE", "isfinite(TRY_CAST(c AS DATE)) AND TRY_CAST(c AS DATE)::VARCHAR = c"},
    {"TIMESTAMP", "isfinite(TRY_CAST(c AS TIMESTAMP)) AND TRY_CAST(c AS TIMESTAMP)::VARCHAR = replace(c, 'T', ' ')"},
}};

using Fits = std::vector<std::array<bool, kCsvTypes.size()>>;

std::string test_of(const CsvType& type, const std::string& column) {
  std::string test;
  for (std::size_t i = 0; i < type.test.size(); ++i) {
    // "c" alone is the value.
    const auto is_letter = [&](std::size_t at) {
      return at < type.test.size() &&
             (std::isalnum(static_cast<unsigned char>(type.test[at])) != 0 || type.test[at] == '_');
    };
    if (type.test[i] == 'c' && (i == 0 || !is_letter(i - 1)) && !is_letter(i + 1)) {
      test += column;
    } else {
      test += type.test[i];
    }
  }
  return test;
}

// One pass: how many rows there are, and which of the types in `asked` fit every value. of_none: whether they fit a
// column without values.
Result<std::uint64_t> look(DuckDatabase& database, CsvScan& scan, std::optional<std::uint64_t> limit,
                           const std::vector<std::string>& names, Fits& asked, bool of_none,
                           const std::stop_token& stop) {
  const auto from = scan.sql();
  if (!from) return std::unexpected(from.error());
  const std::string rows = limit ? std::format("(SELECT * FROM {} LIMIT {})", *from, *limit) : *from;
  std::string sql = "SELECT count(*)";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string column = sql_name(names[i]);
    for (std::size_t type = 0; type < kCsvTypes.size(); ++type)
      if (asked[i][type])
        sql += std::format(", coalesce(bool_and(coalesce({}, false)) FILTER ({} IS NOT NULL), {})",
                           test_of(kCsvTypes[type], column), column, of_none);
  }
  auto query = database.prepare(std::format("{} FROM {}", sql, rows), stop);
  if (!query) return std::unexpected(query.error());
  auto answer = (*query)->next(stop);
  if (!answer) return std::unexpected(answer.error());
  if (*answer == nullptr || (*answer)->num_rows() != 1) return fail(ErrorCode::Internal, "DuckDB counted nothing");
  int at = 1;
  for (auto& of_column : asked)
    for (bool& fits : of_column)
      if (fits) fits = static_cast<const arrow::BooleanArray&>(*(*answer)->column(at++)).Value(0);
  return static_cast<std::uint64_t>(static_cast<const arrow::Int64Array&>(*(*answer)->column(0)).Value(0));
}

}  // namespace

// Most columns of text are told by a thousand rows, so the whole is looked at for the others alone.
// Cost: one pass of the parser, and a test of each value that may be more than text.
Result<CsvTypes> find_csv_types(DuckDatabase& database, CsvScan& scan, const std::vector<std::string>& names,
                                const std::vector<bool>& may_have_type, std::optional<std::uint64_t> limit,
                                const std::stop_token& stop) {
  Fits fits(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) fits[i].fill(may_have_type[i]);
  // What is empty there may have values further on.
  if (auto looked = look(database, scan, kSampleRows, names, fits, true, stop); !looked)
    return std::unexpected(looked.error());
  // What looks like whole numbers may have a fraction further on: both stay asked.
  const auto rows = look(database, scan, limit, names, fits, false, stop);
  if (!rows) return std::unexpected(rows.error());
  CsvTypes found{.types = std::vector<std::string>(names.size(), "VARCHAR"), .rows = *rows};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t type = kCsvTypes.size(); type-- > 0;)
      if (fits[i][type]) found.types[i] = kCsvTypes[type].name;
  return found;
}

}  // namespace llama::internal
