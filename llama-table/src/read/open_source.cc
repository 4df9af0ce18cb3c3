#include "read/open_source.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "llama-base/digest.h"
#include "read/arrow_files_source.h"
#include "read/arrow_stream_source.h"
#include "read/attached_database.h"
#include "read/byte_reader.h"
#include "read/csv_header.h"
#include "read/csv_source.h"
#include "read/filtered_source.h"
#include "read/input_files.h"
#include "read/json_source.h"
#include "read/query_source.h"
#include "read/query_texts.h"
#include "read/remote_files.h"
#include "read/s3_environment.h"
#include "read/secrets.h"
#include "read/sql_text.h"
#include "read/text_lines_source.h"

namespace llama::internal {
namespace {

// Nothing tells a CSV from any text but a first line with the names that are asked for.
TableFormat format_by_header(std::string_view first_bytes, const std::vector<std::string>& columns) {
  if (columns.empty()) return TableFormat::Text;
  const auto header = read_csv_header(first_bytes, std::nullopt, "");
  if (!header) return TableFormat::Text;
  for (const std::string& column : columns)
    if (!std::ranges::contains(header->names, column)) return TableFormat::Text;
  return TableFormat::Csv;
}

// By its name, its first bytes, its first line.
Result<TableFormat> format_of_reader(InputBytes& reader, const std::string& path, const TableInput& input,
                                     const std::stop_token& stop) {
  const auto by_name = format_of_name(path);
  if (by_name && *by_name != TableFormat::ArrowFile) return *by_name;
  if (auto looked = reader.look_further(stop); !looked) return std::unexpected(looked.error());
  if (const auto by_bytes = format_of_bytes(reader.seen())) return *by_bytes;
  return by_name.value_or(format_by_header(reader.seen(), input.columns));
}

Result<TableFormat> format_of_input(const InputFiles& files, InputBytes* stream, const TableInput& input,
                                    const std::stop_token& stop) {
  if (input.format) return *input.format;
  if (stream) return format_of_reader(*stream, files.files.front(), input, stop);
  const auto format = format_of_files(files);
  if (!format || *format != TableFormat::Text || files.is_remote || format_of_name(files.files.front())) return format;
  auto reader = InputBytes::open(files.files.front());
  if (!reader) return std::unexpected(reader.error());
  return format_of_reader(**reader, files.files.front(), input, stop);
}

Result<std::unique_ptr<BatchSource>> not_from(std::string_view what, std::string_view from) {
  return fail(ErrorCode::InvalidArgument, std::format("{} cannot be read from {}; name a file", what, from));
}

Result<std::unique_ptr<BatchSource>> open_format(TableFormat format, const InputFiles& files,
                                                 std::unique_ptr<InputBytes> stream, const TableInput& input,
                                                 std::unique_ptr<DuckDatabase> ready, const std::stop_token& stop) {
  const auto database = [&]() -> Result<std::unique_ptr<DuckDatabase>> {
    if (ready) return std::move(ready);
    return DuckDatabase::open(input.memory_bytes);
  };
  const std::string from = stream ? stream->name() : files.files.front();
  switch (format) {
    case TableFormat::Text:
      if (files.is_remote)
        return fail(ErrorCode::InvalidArgument, "a text file cannot be read from a URL; fetch it, or pipe it into '-'");
      return std::make_unique<TextLinesSource>(files.files, std::move(stream));
    case TableFormat::Csv:
    case TableFormat::Tsv: {
      auto opened = database();
      if (!opened) return std::unexpected(opened.error());
      return open_csv(std::move(*opened), files, std::move(stream), input, format, stop);
    }
    case TableFormat::Json:
    case TableFormat::JsonLines: {
      auto opened = database();
      if (!opened) return std::unexpected(opened.error());
      return open_json(std::move(*opened), files, std::move(stream), input, format, stop);
    }
    case TableFormat::Parquet: {
      if (stream) return not_from("Parquet", from);
      if (!files.is_remote) return ArrowFilesSource::open(files.files, open_parquet_file, stop);
      auto opened = database();
      if (!opened) return std::unexpected(opened.error());
      QueryText text{.from = std::format("read_parquet({}, hive_types_autocast=false)", sql_strings(files.files)),
                     .place = files.place()};
      return QuerySource::open(std::move(*opened), std::move(text), {}, stop);
    }
    case TableFormat::ArrowFile:
    case TableFormat::ArrowStream: {
      if (files.is_remote)
        return fail(ErrorCode::InvalidArgument, "Arrow cannot be read from a URL; fetch it, or pipe it into '-'");
      if (!stream) return ArrowFilesSource::open(files.files, open_ipc_file, stop);
      if (stream->seen().starts_with("ARROW1")) return not_from("an Arrow file", from + " (a stream can)");
      return ArrowStreamSource::open(std::move(stream), stop);
    }
  }
  return fail(ErrorCode::Internal, "no such format");
}

Result<std::unique_ptr<BatchSource>> filtered(std::unique_ptr<BatchSource> source, const TableInput& input) {
  if (input.where.empty() || source->finds_rows()) return source;
  auto database = DuckDatabase::open(input.memory_bytes);
  if (!database) return std::unexpected(database.error());
  return std::make_unique<FilteredSource>(std::move(source), std::move(*database));
}

// DuckDB does not tell which files a query reads, so whatever text or quoted name of it is a file's counts as one.
void find_files_of_query(const TableInput& input, InputIdentity& identity) {
  const auto take = [&](const std::string& text) {
    for (std::string& file : files_meant_by(text)) {
      std::error_code ignored;
      const bool is_named = text.ends_with(file);
      if (std::filesystem::is_regular_file(file, ignored) && (is_named || format_of_name(file)))
        identity.sources.push_back(file);
      identity.files.push_back(std::move(file));
    }
  };
  for (const QuotedText& quoted : texts_of_query(*input.query)) take(quoted.text);
  for (const std::string& attached : input.attach)
    if (const auto database = parse_attached_database(attached)) take(database->place);
}

// It would be read several times, and DuckDB, which waits there for whoever writes, is deaf to stops meanwhile. A text
// that is only compared ('/dev/sda1') may name anything.
Result<void> check_sources_of_query(const std::string& query) {
  for (const QuotedText& quoted : texts_of_query(query)) {
    if (!quoted.is_source) continue;
    for (const std::string& file : files_meant_by(quoted.text))
      if (auto checked = check_is_file(file); !checked)
        return fail(checked.error().code, "the query: " + checked.error().message);
  }
  return {};
}

// DuckDB does not say of JSON that it is UTF-16, or no text at all.
Error with_kind_of_file(Error error, const TableInput& input) {
  InputIdentity meant;
  find_files_of_query(input, meant);
  for (const std::string& file : meant.sources) {
    const auto format = format_of_name(file);
    if (format != TableFormat::Json && format != TableFormat::JsonLines) continue;
    if (!error.message.contains(file)) continue;
    const auto reader = InputBytes::open(file);
    if (!reader || !(*reader)->look_further({})) continue;
    if (auto text = (*reader)->check_utf8(); !text) return text.error();
  }
  return error;
}

Result<OpenedSource> open_queried(const TableInput& input, const std::stop_token& stop) {
  InputIdentity identity{.what = "the query"};
  find_files_of_query(input, identity);
  if (auto checked = check_sources_of_query(*input.query); !checked) return std::unexpected(checked.error());
  auto database = DuckDatabase::open(input.memory_bytes);
  if (!database) return std::unexpected(database.error());
  auto source = open_query(std::move(*database), *input.query, input.attach, stop);
  if (!source) return std::unexpected(with_kind_of_file(source.error(), input));
  // Journals and manifests keep it: a password that is in it is not, and another one is no other input.
  std::string text;
  for (const std::string& attached : input.attach) text += without_secrets(attached) + "\n";
  text += without_secrets(*input.query);
  const std::string digest = digest_of(text, DigestKind::Sha256).hex;
  identity.fingerprint = identity.content = digest;
  return OpenedSource{.source = std::move(*source), .identity = std::move(identity)};
}

// The database that reads URLs, and what they are.
Result<std::unique_ptr<DuckDatabase>> look_at_urls(InputFiles& files, const TableInput& input,
                                                   const std::stop_token& stop) {
  auto database = DuckDatabase::open(input.memory_bytes);
  if (!database) return database;
  for (const std::string& url : files.files) {
    if (!mentions_s3(url)) continue;
    if (auto known = use_s3_environment(**database, url, stop); !known) return std::unexpected(known.error());
    break;
  }
  if (auto found = find_remote_files(**database, files, stop); !found) return std::unexpected(found.error());
  return database;
}

Result<OpenedSource> open_files(const TableInput& input, const std::stop_token& stop) {
  OpenedSource opened;
  auto files = find_input_files(input.paths, input.format);
  if (!files) return std::unexpected(files.error());
  std::unique_ptr<DuckDatabase> ready;
  if (files->is_remote) {
    auto database = look_at_urls(*files, input, stop);
    if (!database) return std::unexpected(database.error());
    ready = std::move(*database);
  }
  opened.identity = identity_of_files(*files);
  // What can be read only once is opened here and never again.
  std::unique_ptr<InputBytes> stream;
  if (files->files.size() == 1 && !files->is_remote) {
    auto reader = InputBytes::open(files->files.front());
    if (!reader) return std::unexpected(reader.error());
    if (!(*reader)->is_regular()) stream = std::move(*reader);
    if (!stream && files->is_standard_input()) files->files.front() = "/dev/stdin";
  }
  const auto format = format_of_input(*files, stream.get(), input, stop);
  if (!format) return std::unexpected(format.error());
  auto source = open_format(*format, *files, std::move(stream), input, std::move(ready), stop);
  if (!source) return std::unexpected(source.error());
  auto selected = filtered(std::move(*source), input);
  if (!selected) return std::unexpected(selected.error());
  opened.source = std::move(*selected);
  return opened;
}

}  // namespace

Result<OpenedSource> open_source(const TableInput& input, const std::stop_token& stop) {
  auto opened = input.query ? open_queried(input, stop) : open_files(input, stop);
  if (!opened) opened.error().message = without_secrets(opened.error().message);
  return opened;
}

}  // namespace llama::internal
