#include "database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <system_error>
#include <utility>

#include "llama-base/disk.h"

namespace llama::internal {
namespace {

constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kApplicationAt = 68;  // Source: https://www.sqlite.org/fileformat.html, "The Database Header"

std::uint32_t big_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

bool is_full(int system_error) { return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG; }

// The system's error for a file that is not there; 0 where it is, or can be made.
int why_not_made(const std::string& path) {
  const FileHandle made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!made) return errno == EEXIST ? 0 : errno;
  ::unlink(path.c_str());
  return 0;
}

}  // namespace

Result<FileKind> kind_of_database(const std::filesystem::path& path, std::uint32_t application) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return FileKind::Missing;
  if (!std::filesystem::is_regular_file(status)) return FileKind::Other;
  std::array<char, kHeaderBytes> header{};
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::Io, std::format("'{}' cannot be read", path.string()));
  file.read(header.data(), header.size());
  const auto count = static_cast<std::size_t>(file.gcount());
  if (count == 0) return FileKind::Empty;
  if (count < kHeaderBytes || std::string_view(header.data(), 16) != std::string_view("SQLite format 3\0", 16)) {
    return FileKind::Other;
  }
  return big_endian(header.data() + kApplicationAt) == application ? FileKind::Ours : FileKind::OtherDatabase;
}

void Statement::Free::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

// Binding fails for a place that does not exist or for want of memory; step() then finds a NULL that no table allows.
Statement& Statement::bind(int place, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), place, value);
  return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), place, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int place, std::span<const std::byte> blob) {
  sqlite3_bind_blob64(statement_.get(), place, blob.empty() ? static_cast<const void*>("") : blob.data(), blob.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int place) {
  sqlite3_bind_null(statement_.get(), place);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  auto error = database_->error(sqlite3_extended_errcode(database_->handle_.get()));
  sqlite3_reset(statement_.get());
  return error;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr
             ? ""
             : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes, bytes == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void SqliteDatabase::Close::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& path, std::string name,
                                                             std::string way_out) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteDatabase> made(
      new SqliteDatabase(std::unique_ptr<sqlite3, Close>(opened), path, std::move(name), std::move(way_out)));
  if (opened == nullptr) return fail(ErrorCode::OutOfMemory, std::format("no memory for {}", made->name_));
  sqlite3_extended_result_codes(opened, 1);
  if (code == SQLITE_OK) return made;
  return made->error(sqlite3_extended_errcode(opened));
}

Result<void> SqliteDatabase::run(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error(sqlite3_extended_errcode(handle_.get()));
}

Result<std::optional<std::int64_t>> SqliteDatabase::ask(const std::string& sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  if (!*row || statement->is_null(0)) return std::nullopt;
  return statement->integer(0);
}

Result<Statement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(sqlite3_extended_errcode(handle_.get()));
  return Statement(this, statement);
}

void SqliteDatabase::wait_for_others(int milliseconds) { sqlite3_busy_timeout(handle_.get(), milliseconds); }

void SqliteDatabase::abandon_files() { sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

std::unexpected<Error> SqliteDatabase::damaged(std::string_view what) const {
  return fail(ErrorCode::Corrupt,
              std::format("{} is damaged ({}){}{}", name_, what, way_out_.empty() ? "" : "; ", way_out_));
}

int SqliteDatabase::why_not_made() const {
  for (const char* ending : {"", "-wal", "-journal"}) {
    if (const int number = internal::why_not_made(path_.string() + ending); number != 0) return number;
  }
  return 0;
}

std::unexpected<Error> SqliteDatabase::error(int code) const {
  const int system = sqlite3_system_errno(handle_.get());
  switch (code & 0xff) {
    case SQLITE_FULL:
      return fail(ErrorCode::NoSpace, std::format("{} cannot be written: {}", name_,
                                                  std::generic_category().message(is_full(system) ? system : ENOSPC)));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorCode::Busy, std::format("another process uses {}", name_));
    case SQLITE_NOMEM:
      return fail(ErrorCode::OutOfMemory, std::format("no memory for {}", name_));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return damaged(sqlite3_errstr(code));
    case SQLITE_CANTOPEN:
      // Where a file cannot be made SQLite tries to read it, and tells of that.
      if (const int number = why_not_made(); number != 0) {
        return fail(is_full(number) ? ErrorCode::NoSpace : ErrorCode::Io,
                    std::format("{} cannot be written: {}", name_, std::generic_category().message(number)));
      }
      [[fallthrough]];
    case SQLITE_IOERR:
      if (is_full(system) && (code & 0xff) == SQLITE_IOERR) {
        return fail(ErrorCode::NoSpace,
                    std::format("{} cannot be written: {}", name_, std::generic_category().message(system)));
      }
      return fail(
          ErrorCode::Io,
          std::format("{}: {}", name_, system != 0 ? std::generic_category().message(system) : sqlite3_errstr(code)));
    default:
      return fail(ErrorCode::Io, std::format("{}: {}", name_, sqlite3_errmsg(handle_.get())));
  }
}

Result<Transaction> Transaction::begin(SqliteDatabase& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  return Transaction(&database);
}

// SQLite has rolled back by itself after some errors, and then says that there is nothing to roll back.
Transaction::~Transaction() {
  if (database_ != nullptr) static_cast<void>(database_->run("ROLLBACK"));
}

Result<void> Transaction::commit() {
  auto committed = database_->run("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

}  // namespace llama::internal
