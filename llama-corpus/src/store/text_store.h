// Know each distinct text of a run, and what became of it, in bounded memory: a journal that outlives the process
// (journal.h), or a file without a name.
//
// Texts get numbers as they first occur; answers are added in the order of the numbers. So a journal always holds the
// texts 1 to n, and a run that reads the same input again finds them under the same numbers.
//
// What costs is finding a text by its digest: digests are random, so each new one would change a page of the index of
// its own, and a transaction of a thousand texts would write a thousand pages, far more than the vectors themselves.
// Therefore new digests are kept in memory, 131,072 at most (8 MB), and go into the index sorted and all at once, each
// page once. After a crash those that had not got there are read from the answers, which lie in order.
// Cost: 10 us for a new text and its answer; 50 bytes on the disk beside the vector.
//
// Errors   NoSpace, Corrupt, Io, OutOfMemory; the message names the file.
// Threads  any number at once.
#pragma once

#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "database.h"
#include "llama-corpus/text_digest.h"
#include "text_answer.h"

namespace llama::internal {

class TextStore {
 public:
  // The tables of an empty database. In a transaction of the caller's.
  [[nodiscard]] static Result<void> create_tables(SqliteDatabase& database);
  // Errors   Corrupt: the tables are not as create_tables() makes them.
  [[nodiscard]] static Result<std::unique_ptr<TextStore>> open(std::unique_ptr<SqliteDatabase> database);
  // Of a run that cannot be resumed: a file in the folder which loses its name at once.
  [[nodiscard]] static Result<std::unique_ptr<TextStore>> open_unnamed(const std::filesystem::path& folder);

  struct Number {
    TextNumber number = 0;
    bool is_new = false;  // nobody has asked for this text before: whoever did now has to see to its answer
  };
  [[nodiscard]] Result<Number> number_of(const TextDigest& text);

  struct Answered {
    TextDigest text;
    TextAnswer answer;
  };
  // The answers of the texts after answered(), in order; rows: how many of the input's are answered by all so far.
  // All are kept, or after an error none.
  [[nodiscard]] Result<void> add(std::span<const Answered> answers, std::uint64_t rows);

  // Requires 1 <= number <= answered().
  [[nodiscard]] Result<TextAnswer> answer(TextNumber number);
  [[nodiscard]] TextNumber answered() const;  // the texts up to this number are

  // A stream may go on for months: once so many texts are known, they are new again when they come again. The number up
  // to which they are, 0 where it is not time yet. What is answered can be read until forget() is told that number, and
  // then the disk's room is used again.
  // Requires an unnamed store.
  [[nodiscard]] TextNumber begin_anew(std::size_t texts);
  [[nodiscard]] Result<void> forget(TextNumber up_to);  // up_to <= answered()

  [[nodiscard]] Result<std::optional<std::string>> setting(std::string_view name);
  [[nodiscard]] Result<void> set(std::string_view name, std::string_view value);
  [[nodiscard]] Result<std::uint64_t> rows();  // as add() was told last

  [[nodiscard]] Result<void> end_log();  // all that was added is in the database itself, and on the disk
  void abandon_files();                  // SqliteDatabase's

 private:
  explicit TextStore(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> recall();  // what a run before this one left
  [[nodiscard]] Result<void> insert(TextNumber number, const Answered& text);
  [[nodiscard]] Result<void> index_digests();
  [[nodiscard]] Result<bool> is_expected(const TextDigest& text);
  [[nodiscard]] Result<void> write_setting(std::string_view name, std::string_view value);

  struct Hash {  // a digest's bits are random already
    std::size_t operator()(const TextDigest& digest) const {
      std::size_t value = 0;
      std::memcpy(&value, digest.data(), sizeof value);
      return value;
    }
  };

  mutable std::mutex mutex_;
  std::unique_ptr<SqliteDatabase> database_;
  std::optional<Statement> insert_, find_, read_, digest_, index_, get_setting_, set_setting_;
  std::unordered_map<TextDigest, TextNumber, Hash> recent_;  // not in the index
  TextNumber last_ = 0;                                      // given to a text
  TextNumber answered_ = 0;                                  // in the table
  TextNumber indexed_ = 0;                                   // in the index
  TextNumber recalled_ = 0;                                  // in the table when it was opened
  TextNumber begun_ = 0;                                     // the last that begin_anew() has given
  TextNumber expected_ = 1;  // if this run reads the same texts as that one, the first that is not known from before
};

}  // namespace llama::internal
