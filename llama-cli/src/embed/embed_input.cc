#include "embed/embed_input.h"

#include <sys/stat.h>

#include <algorithm>
#include <format>
#include <ranges>
#include <set>

#include "embed/dataset_input.h"
#include "exit_status.h"
#include "llama-corpus/text_rows.h"
#include "llama-embedding/text_file.h"
#include "llama-table/table_reader.h"
#include "progress.h"
#include "status_line.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

int input_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::InvalidQuery:
      return kUsageError;
    case ErrorCode::Network:
    case ErrorCode::RateLimited:
    case ErrorCode::Corrupt:
      return kNetworkError;
    case ErrorCode::NoSpace:
      return kOutputError;
    case ErrorCode::OutOfMemory:
    case ErrorCode::Internal:
      return kInternalError;
    default:
      return kInputError;
  }
}

// What a plain file is known by: where it lies, how long it is and when it was written.
InputIdentity identity_of(const std::string& path) {
  struct stat status{};
  const bool is_file = path != "-" && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  InputIdentity identity;
  identity.what = path == "-" ? "standard input" : std::format("file '{}'", path);
  identity.is_repeatable = is_file;
  if (is_file) {
    identity.files = identity.sources = {path};
    identity.fingerprint =
        std::format("{} {} bytes {}.{:09}", fs::absolute(path).lexically_normal().string(),
                    static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    identity.content =
        std::format("{} {} bytes", fs::path(path).filename().string(), static_cast<std::uint64_t>(status.st_size));
  }
  return identity;
}

Step<EmbedInput> open_text(const std::string& path) {
  auto file = TextFile::open(path);
  if (!file) return stop_with(file.error(), kInputError);
  EmbedInput input;
  input.file = file->get();
  input.reader = make_text_rows(std::move(*file), identity_of(path));
  return input;
}

// The columns of --keep. A column that is the text goes into the output once, under its own name.
void choose_kept(const InputArguments& arguments, TableInput& input) {
  if (!arguments.keep || *arguments.keep == "all") {
    input.keep = Keep::All;
  } else if (*arguments.keep == "none") {
    input.keep = Keep::None;
  } else {
    input.keep = Keep::Some;
    for (const auto part : std::views::split(*arguments.keep, ','))
      if (!part.empty()) input.keep_columns.emplace_back(std::string_view(part));
  }
  if (arguments.columns.size() == 1) input.leave_out = arguments.columns;
}

// DuckDB's own words about SQL do not say whose it is.
Error with_flag(Error error, const InputArguments& a) {
  if (error.code == ErrorCode::InvalidQuery && (a.query || a.where))
    error.message.insert(0, a.query ? "--query: " : "--where: ");
  return error;
}

TableInput table_input(const InputArguments& arguments, const std::optional<PromptTemplate>& prompt) {
  TableInput input;
  input.paths = arguments.paths;
  input.query = arguments.query;
  input.attach = arguments.attach;
  if (arguments.format) input.format = parse_table_format(*arguments.format);
  input.columns = arguments.columns;
  if (prompt) input.prompt_columns = prompt->columns();
  input.id = arguments.id;
  input.where = arguments.where.value_or("");
  input.limit = arguments.limit;
  choose_kept(arguments, input);
  return input;
}

// Parquet and Arrow files may have two columns of one name, and no output may.
Step<void> check_names_differ(const RowReader& reader) {
  std::set<std::string> seen;
  for (const ColumnDescription& column : reader.kept_columns())
    if (!seen.insert(column.name).second)
      return usage_error(
          std::format("the input has two columns named '{}'; --keep names those that go along, and "
                      "--query can rename one",
                      column.name));
  return {};
}

Step<EmbedInput> open_table(const EmbedArguments& arguments, const std::optional<PromptTemplate>& prompt,
                            const Interrupt& interrupt, const Console& console) {
  const InputArguments& a = arguments.input;
  TableInput table = table_input(a, prompt);
  auto fetched = fetch_datasets(arguments, table.paths, interrupt, console);
  if (!fetched) return std::unexpected(fetched.error());
  table.paths = std::move(fetched->paths);
  auto reader = TableReader::open(std::move(table), interrupt.token());
  if (!reader) return stop_with(with_flag(reader.error(), a), input_status(reader.error().code));
  if (auto unique = check_names_differ(**reader); !unique) return std::unexpected(unique.error());
  for (const std::string& note : (*reader)->notes()) console.line("Note: {}", note);
  EmbedInput input;
  input.uses = std::move(fetched->uses);
  input.digests = std::move(fetched->digests);
  input.share = fetched->share;
  input.text_columns = std::max<std::size_t>(1, a.columns.size());
  input.text_name = input.text_columns == 1 ? (*reader)->columns().front() : "text";
  input.reader = std::move(*reader);
  return input;
}

}  // namespace

Step<EmbedInput> open_input(const EmbedArguments& arguments, const std::optional<PromptTemplate>& prompt,
                            const Interrupt& interrupt, const Console& console) {
  const InputArguments& input = arguments.input;
  if (!is_plain_input(input)) return open_table(arguments, prompt, interrupt, console);
  if (prompt && !prompt->columns().empty()) {
    return stop_with(
        {ErrorCode::InvalidArgument,
         std::format("the prompt names the column '{}', and a text file has none", prompt->columns().front())},
        kUsageError);
  }
  return open_text(input.paths.front());
}

Step<void> count_rows(EmbedInput& input, const Interrupt& interrupt, const Console& console) {
  if (input.file == nullptr) {
    auto rows = input.reader->count(interrupt.token());
    if (!rows) return stop_with(rows.error(), input_status(rows.error().code));
    input.rows = *rows;
    return {};
  }
  StatusLine line(stderr, console.terminal);
  auto counted = input.file->count(interrupt.token(), [&](double fraction) {
    if (!console.quiet && line.is_due())
      line.draw(std::format("Counting the texts: {} ({}%)", bar(fraction), static_cast<int>(fraction * 100)));
  });
  if (!counted) return stop_with(counted.error(), kInputError);
  input.texts = input.file->total();
  input.rows = input.texts.transform([](const TextCount& count) { return count.texts; });
  return {};
}

std::optional<std::uint64_t> rows_of_shard(const EmbedInput& input, const Shard& shard) {
  if (!input.rows) return std::nullopt;
  const auto below = [&](std::uint64_t end) {  // numbers below it that are the shard's
    return end > shard.index ? (end - shard.index + shard.count - 1) / shard.count : 0;
  };
  // The lines of a text file are numbered from 1.
  return input.file == nullptr ? below(*input.rows) : below(*input.rows + 1) - below(1);
}

}  // namespace llama
