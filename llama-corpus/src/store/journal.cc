#include "journal.h"

#include <algorithm>
#include <format>
#include <optional>
#include <system_error>
#include <utility>

#include "llama-base/disk.h"
#include "llama-corpus/interrupted_run.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kJournalApplication = 0x6c6c6a31;  // "llj1"
constexpr std::string_view kInput = "input", kModel = "model";
constexpr const char* kOutputRows = "output rows";

// Takes the lock, which is kept. Nothing waits for the disk while there is nothing to lose. The first page of a file
// says in the same transaction what it is: a process may be killed after it, and a file may be empty again when what a
// killed process had begun was rolled back.
Result<void> lock(SqliteDatabase& database) {
  return database.run(
      std::format("PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 65536; PRAGMA cache_size = -8192; "
                  "PRAGMA temp_store = MEMORY; PRAGMA synchronous = OFF; "
                  "BEGIN EXCLUSIVE; PRAGMA application_id = {}; COMMIT;",
                  kJournalApplication));
}

std::string setting_key(const std::string& name) { return "setting " + name; }
std::string journal_name(const fs::path& path) { return std::format("the journal '{}'", path.string()); }
fs::path beside(const fs::path& path, std::string_view ending) { return path.string() + std::string(ending); }

Result<void> remove_files(const fs::path& path) {
  std::error_code error;
  // The write-ahead log first: without its database it means nothing, the other way round it would be replayed.
  for (const fs::path& file : {beside(path, "-wal"), beside(path, "-journal"), path}) {
    if (fs::remove(file, error); error) return disk_error("removed", file, error.value());
  }
  return {};
}

// A long value, an SQL query say, is not shown whole.
std::string shown(const std::string& value) {
  constexpr std::size_t kMaxShown = 60;
  if (value.empty()) return "none";
  return value.size() <= kMaxShown ? value : value.substr(0, kMaxShown) + "…";
}

Result<void> set_all(TextStore& texts, const JournalBinding& binding) {
  for (const auto& [name, value] : binding.settings) {
    if (auto set = texts.set(setting_key(name), value); !set) return set;
  }
  if (auto set = texts.set(kModel, binding.model_identity); !set) return set;
  return texts.set(kInput, binding.input_fingerprint);  // last: with it the journal is complete
}

Result<void> check_all(TextStore& texts, const JournalBinding& binding, const std::string& name) {
  const auto differs = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument, std::format("{}{}; {}", name, what, binding.way_out));
  };
  auto input = texts.setting(kInput);
  if (!input) return std::unexpected(input.error());
  if (*input != binding.input_fingerprint) {
    return differs(std::format(" is of another input, or {} has changed since", binding.input));
  }
  auto model = texts.setting(kModel);
  if (!model) return std::unexpected(model.error());
  if (*model != binding.model_identity) {
    return differs(std::format(" is of a run with another model, or '{}' has changed since", binding.model));
  }
  for (const auto& [setting, value] : binding.settings) {
    const auto then = texts.setting(setting_key(setting));
    if (!then) return std::unexpected(then.error());
    if (*then == value) continue;
    return differs(
        std::format(" is of a run with {} {}, this one has {}", setting, shown(then->value_or("")), shown(value)));
  }
  return {};
}

}  // namespace

Result<Journal> Journal::open(const fs::path& path, const JournalBinding& binding, bool restarts) {
  const std::string name = journal_name(path);
  const auto kind = kind_of_database(path, kJournalApplication);
  if (!kind) return std::unexpected(kind.error());
  if (*kind == FileKind::Other || *kind == FileKind::OtherDatabase) {
    return fail(ErrorCode::InvalidArgument,
                std::format("'{}' stands where the journal would, and is none; move it away", path.string()));
  }
  if (path.has_parent_path()) {
    if (auto made = make_folders(path.parent_path()); !made) return std::unexpected(made.error());
  }
  auto database = SqliteDatabase::open(path, name, binding.way_out);
  if (!database) return std::unexpected(database.error());
  auto locked = lock(**database);
  // A journal that is damaged too much to be locked is nobody's.
  if (!locked && !(restarts && locked.error().code == ErrorCode::Corrupt)) return std::unexpected(locked.error());
  if (restarts && *kind == FileKind::Ours) {
    // Under the lock, so that no other process' journal goes; what is made then is another file.
    if (auto removed = remove_files(path); !removed) return std::unexpected(removed.error());
    (*database)->abandon_files();
    database->reset();
    auto anew = open(path, binding, false);
    if (anew) anew->is_new_ = false;
    return anew;
  }
  if (!fs::exists(path)) return fail(ErrorCode::Busy, std::format("another process used {}", name));
  const auto has_tables = (*database)->ask("SELECT 1 FROM sqlite_schema WHERE name = 'digests'");
  if (!has_tables) return std::unexpected(has_tables.error());
  if (!*has_tables) {  // also where a run was killed at its very beginning
    auto transaction = Transaction::begin(**database);
    auto made = transaction ? TextStore::create_tables(**database).and_then([&] { return transaction->commit(); })
                            : std::unexpected(transaction.error());
    if (!made) return std::unexpected(made.error());
  }
  // A transaction in the write-ahead log is not synced: a power cut may lose the last ones, and nothing else. Every 8
  // MB the log goes into the database, which is synced then.
  auto set = (*database)->run(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 128;"
      "PRAGMA journal_size_limit = 16777216;");
  if (!set) return std::unexpected(set.error());
  auto texts = TextStore::open(std::move(*database));
  if (!texts) return std::unexpected(texts.error());
  const auto begun = (*texts)->setting(kInput);
  if (!begun) return std::unexpected(begun.error());
  auto bound = *begun ? check_all(**texts, binding, name) : set_all(**texts, binding);
  if (!bound) return std::unexpected(bound.error());
  return Journal(path, std::move(*texts), !*begun);
}

// Out of the write-ahead log, which is the first file to go.
Result<void> Journal::announce_output(std::uint64_t rows) {
  return texts_->set(kOutputRows, std::to_string(rows)).and_then([&] { return texts_->end_log(); });
}

// The names go while the lock is held: who has opened the file meanwhile, and gets the lock then, finds no name.
Result<void> Journal::remove() {
  auto removed = remove_files(path_);
  texts_->abandon_files();
  texts_.reset();
  return removed;
}

}  // namespace llama::internal

namespace llama {

std::optional<std::uint64_t> announced_rows(const std::filesystem::path& journal) {
  using namespace internal;
  const auto kind = kind_of_database(journal, kJournalApplication);
  if (!kind || *kind != FileKind::Ours) return std::nullopt;
  auto database = SqliteDatabase::open(journal, journal_name(journal), "");
  if (!database || !lock(**database)) return std::nullopt;
  const auto rows =
      (*database)->ask(std::format("SELECT CAST(value AS INTEGER) FROM settings WHERE name = '{}'", kOutputRows));
  if (!rows || !*rows || **rows < 0) return std::nullopt;
  return static_cast<std::uint64_t>(**rows);
}

}  // namespace llama
