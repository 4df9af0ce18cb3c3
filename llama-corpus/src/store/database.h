// Open an SQLite database and run statements on it: the only door to SQLite.
//
// Errors   NoSpace (disk full, quota), Busy (another process has it), OutOfMemory, Corrupt, Io; the message
//          begins with the name that open() was given.
// Threads  one at a time per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "llama-base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace llama::internal {

// What a file says of itself in its first bytes.
enum class FileKind { Missing, Empty, Ours, OtherDatabase, Other };

// application: SQLite's number for the kind of file, that run("PRAGMA application_id = …") has written.
// Errors   Io: the file cannot be read.
[[nodiscard]] Result<FileKind> kind_of_database(const std::filesystem::path& path, std::uint32_t application);

class SqliteDatabase;

// A prepared statement. Places are counted from 1, columns from 0. Bound bytes must live until reset() or destruction.
class Statement {
 public:
  Statement& bind(int place, std::int64_t value);
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, std::span<const std::byte> blob);
  Statement& bind_null(int place);

  // True: a row is there to be looked at. After false or an error the statement may be bound and stepped again.
  [[nodiscard]] Result<bool> step();
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::span<const std::byte> blob(int column) const;  // until the next step() or reset()

 private:
  friend class SqliteDatabase;
  struct Free {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement(const SqliteDatabase* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  const SqliteDatabase* database_;
  std::unique_ptr<sqlite3_stmt, Free> statement_;
};

class SqliteDatabase {
 public:
  // name: for messages, "the journal 'x.parquet.journal'"; way_out: what to do where it is damaged, or "". Makes the
  // file where there is none.
  [[nodiscard]] static Result<std::unique_ptr<SqliteDatabase>> open(const std::filesystem::path& path, std::string name,
                                                                    std::string way_out);

  [[nodiscard]] Result<void> run(const std::string& sql);                         // statements without results
  [[nodiscard]] Result<std::optional<std::int64_t>> ask(const std::string& sql);  // the first cell of the first row
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  void wait_for_others(int milliseconds);  // before a call fails with Busy
  // When it is closed, its files are left as they are: their names may be another's by then.
  void abandon_files();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;  // its content is not what was written

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  SqliteDatabase(std::unique_ptr<sqlite3, Close> handle, std::filesystem::path path, std::string name,
                 std::string way_out)
      : handle_(std::move(handle)), path_(std::move(path)), name_(std::move(name)), way_out_(std::move(way_out)) {}
  [[nodiscard]] std::unexpected<Error> error(int code) const;
  [[nodiscard]] int why_not_made() const;  // the system's error for one of its files; 0: none
  std::unique_ptr<sqlite3, Close> handle_;
  std::filesystem::path path_;
  std::string name_, way_out_;
};

// Statements between begin and commit(): all of them or none. Requires that it does not outlive the database.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(SqliteDatabase& database);
  ~Transaction();  // without commit() nothing was done
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(SqliteDatabase* database) : database_(database) {}
  SqliteDatabase* database_;
};

}  // namespace llama::internal
