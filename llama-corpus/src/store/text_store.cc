#include "text_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <format>
#include <system_error>
#include <utility>

#include "llama-base/disk.h"

namespace llama::internal {
namespace {

constexpr std::size_t kRecentTexts = 1 << 17;
constexpr std::string_view kRows = "rows";
constexpr std::string_view kIndexed = "indexed";

std::uint64_t to_number(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

TextDigest to_digest(std::span<const std::byte> blob) {
  TextDigest digest{};
  std::copy_n(blob.begin(), std::min(blob.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace

Result<void> TextStore::create_tables(SqliteDatabase& database) {
  return database.run(
      "CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE texts(number INTEGER PRIMARY KEY, digest BLOB NOT NULL, tokens INTEGER NOT NULL, "
      "token_count INTEGER, time_ms INTEGER NOT NULL, truncated INTEGER NOT NULL, failure_code INTEGER, failure TEXT, "
      "vector BLOB NOT NULL);"
      "CREATE TABLE digests(digest BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;");
}

Result<std::unique_ptr<TextStore>> TextStore::open(std::unique_ptr<SqliteDatabase> database) {
  std::unique_ptr<TextStore> made(new TextStore(std::move(database)));
  if (auto prepared = made->prepare(); !prepared) return std::unexpected(prepared.error());
  if (auto recalled = made->recall(); !recalled) return std::unexpected(recalled.error());
  return made;
}

Result<std::unique_ptr<TextStore>> TextStore::open_unnamed(const std::filesystem::path& folder) {
  static std::atomic<unsigned> counter{0};
  const std::filesystem::path where = folder.empty() ? "." : folder;
  if (auto made = make_folders(where); !made) return std::unexpected(made.error());
  const std::filesystem::path path = where / std::format(".texts-{}-{}.partial", ::getpid(), counter++);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);  // a process of the same number that was killed may have left it
  auto database = SqliteDatabase::open(path, std::format("a temporary file in '{}'", where.string()), "");
  if (!database) return std::unexpected(database.error());
  // Nobody will ever read it again: no journal of its own, nothing is synced, and the name can go once the file is
  // open.
  auto made = (*database)
                  ->run(
                      "PRAGMA page_size = 65536; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
                      "PRAGMA synchronous = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")
                  .and_then([&] { return create_tables(**database); });
  std::filesystem::remove(path, ignored);
  if (!made) return std::unexpected(made.error());
  return open(std::move(*database));
}

Result<void> TextStore::prepare() {
  const auto make = [&](std::optional<Statement>& target, std::string_view sql) -> Result<void> {
    auto statement = database_->prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    target = std::move(*statement);
    return {};
  };
  return make(insert_, "INSERT INTO texts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .and_then([&] { return make(find_, "SELECT number FROM digests WHERE digest = ?"); })
      .and_then([&] {
        return make(read_,
                    "SELECT tokens, token_count, time_ms, truncated, failure_code, failure, vector FROM texts "
                    "WHERE number = ?");
      })
      .and_then([&] { return make(digest_, "SELECT digest FROM texts WHERE number = ?"); })
      .and_then([&] { return make(index_, "INSERT OR REPLACE INTO digests VALUES(?, ?)"); })
      .and_then([&] { return make(get_setting_, "SELECT value FROM settings WHERE name = ?"); })
      .and_then([&] { return make(set_setting_, "INSERT OR REPLACE INTO settings VALUES(?, ?)"); });
}

Result<void> TextStore::recall() {
  const auto last = database_->ask("SELECT max(number) FROM texts");
  if (!last) return std::unexpected(last.error());
  const auto indexed = setting(kIndexed);
  if (!indexed) return std::unexpected(indexed.error());
  last_ = answered_ = recalled_ = unsigned_of(last->value_or(0));
  indexed_ = to_number(*indexed);
  auto rest = database_->prepare("SELECT number, digest FROM texts WHERE number > ? ORDER BY number");
  if (!rest) return std::unexpected(rest.error());
  rest->bind(1, signed_of(indexed_));
  TextNumber before = indexed_;
  for (;;) {
    const auto row = rest->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    const TextNumber number = unsigned_of(rest->integer(0));
    if (number != ++before) return database_->damaged("texts are missing");
    recent_.emplace(to_digest(rest->blob(1)), number);
  }
  return {};
}

// While a run goes over what one before it has done, its texts come in the numbers' order, and the answers' table is
// read from beginning to end instead of the index all over.
Result<bool> TextStore::is_expected(const TextDigest& text) {
  digest_->reset();
  digest_->bind(1, signed_of(expected_));
  const auto row = digest_->step();
  if (!row) return std::unexpected(row.error());
  const bool same = *row && to_digest(digest_->blob(0)) == text;
  digest_->reset();
  return same;
}

Result<TextStore::Number> TextStore::number_of(const TextDigest& text) {
  const std::scoped_lock lock(mutex_);
  if (expected_ <= recalled_) {
    const auto same = is_expected(text);
    if (!same) return std::unexpected(same.error());
    if (*same) return Number{.number = expected_++};
  }
  if (const auto known = recent_.find(text); known != recent_.end()) return Number{.number = known->second};
  if (indexed_ > 0) {
    find_->reset();
    find_->bind(1, text);
    const auto row = find_->step();
    if (!row) return std::unexpected(row.error());
    const TextNumber number = *row ? unsigned_of(find_->integer(0)) : 0;
    find_->reset();
    if (number > begun_) return Number{.number = number};
  }
  recent_.emplace(text, ++last_);
  return Number{.number = last_, .is_new = true};
}

Result<void> TextStore::insert(TextNumber number, const Answered& text) {
  const TextAnswer& answer = text.answer;
  insert_->bind(1, signed_of(number)).bind(2, text.text).bind(3, std::int64_t{answer.tokens});
  answer.token_count ? insert_->bind(4, signed_of(*answer.token_count)) : insert_->bind_null(4);
  insert_->bind(5, signed_of(answer.time_ms)).bind(6, std::int64_t{answer.truncated});
  if (answer.failure) {
    insert_->bind(7, std::int64_t{std::to_underlying(answer.failure->code)}).bind(8, answer.failure->message);
  } else {
    insert_->bind_null(7).bind_null(8);
  }
  insert_->bind(9, answer.vector);
  return insert_->step().transform([](bool) {});
}

Result<void> TextStore::add(std::span<const Answered> answers, std::uint64_t rows) {
  const std::scoped_lock lock(mutex_);
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return std::unexpected(transaction.error());
  TextNumber number = answered_;
  for (const Answered& text : answers) {
    if (auto inserted = insert(++number, text); !inserted) return inserted;
  }
  if (auto told = write_setting(kRows, std::to_string(rows)); !told) return told;
  if (auto committed = transaction->commit(); !committed) return committed;
  answered_ = number;
  return recent_.size() < kRecentTexts ? Result<void>() : index_digests();
}

Result<void> TextStore::index_digests() {
  std::vector<std::pair<TextDigest, TextNumber>> sorted;
  sorted.reserve(recent_.size());
  for (const auto& [digest, number] : recent_) {
    if (number <= answered_) sorted.emplace_back(digest, number);
  }
  std::ranges::sort(sorted);
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return std::unexpected(transaction.error());
  for (const auto& [digest, number] : sorted) {
    index_->bind(1, digest).bind(2, signed_of(number));
    if (auto inserted = index_->step(); !inserted) return std::unexpected(inserted.error());
  }
  if (auto told = write_setting(kIndexed, std::to_string(answered_)); !told) return told;
  if (auto committed = transaction->commit(); !committed) return committed;
  indexed_ = answered_;
  std::erase_if(recent_, [&](const auto& entry) { return entry.second <= indexed_; });
  return {};
}

TextNumber TextStore::begin_anew(std::size_t texts) {
  const std::scoped_lock lock(mutex_);
  if (last_ - begun_ < texts || last_ == begun_) return 0;
  begun_ = last_;
  recent_.clear();
  return begun_;
}

Result<void> TextStore::forget(TextNumber up_to) {
  const std::scoped_lock lock(mutex_);
  const std::string number = std::to_string(up_to);
  return database_->run("DELETE FROM texts WHERE number <= " + number +
                        "; DELETE FROM digests WHERE number <= " + number);
}

Result<TextAnswer> TextStore::answer(TextNumber number) {
  const std::scoped_lock lock(mutex_);
  read_->reset();
  read_->bind(1, signed_of(number));
  const auto row = read_->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return database_->damaged(std::format("text {} is missing", number));
  TextAnswer answer{.tokens = static_cast<std::uint32_t>(read_->integer(0)),
                    .token_count = {},
                    .time_ms = unsigned_of(read_->integer(2)),
                    .truncated = read_->integer(3) != 0,
                    .vector = {},
                    .failure = {}};
  if (!read_->is_null(1)) answer.token_count = unsigned_of(read_->integer(1));
  if (!read_->is_null(4)) answer.failure = Error{static_cast<ErrorCode>(read_->integer(4)), read_->text(5)};
  const auto vector = read_->blob(6);
  answer.vector.assign(vector.begin(), vector.end());
  read_->reset();
  return answer;
}

TextNumber TextStore::answered() const {
  const std::scoped_lock lock(mutex_);
  return answered_;
}

Result<void> TextStore::write_setting(std::string_view name, std::string_view value) {
  set_setting_->bind(1, name).bind(2, value);
  return set_setting_->step().transform([](bool) {});
}

Result<std::optional<std::string>> TextStore::setting(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  get_setting_->bind(1, name);
  const auto row = get_setting_->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  std::string value = get_setting_->text(0);
  get_setting_->reset();
  return value;
}

Result<void> TextStore::set(std::string_view name, std::string_view value) {
  const std::scoped_lock lock(mutex_);
  return write_setting(name, value);
}

Result<void> TextStore::end_log() {
  const std::scoped_lock lock(mutex_);
  return database_->run("PRAGMA wal_checkpoint(TRUNCATE)");
}

void TextStore::abandon_files() {
  const std::scoped_lock lock(mutex_);
  database_->abandon_files();
}

Result<std::uint64_t> TextStore::rows() {
  return setting(kRows).transform([](const auto& value) { return to_number(value); });
}

}  // namespace llama::internal
