#include "llama-corpus/vector_store.h"

#include <algorithm>
#include <cstring>
#include <format>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "database.h"

namespace llama {
namespace {

using internal::FileKind;
using internal::SqliteDatabase;
using internal::Statement;
using internal::Transaction;

constexpr std::uint32_t kStoreApplication = 0x6c6c7631;  // "llv1"
constexpr int kBusyMilliseconds = 60'000;
constexpr std::size_t kWaitingBytes = 16 << 20;

constexpr const char* kVectorColumns =
    "(id INTEGER PRIMARY KEY, space INTEGER NOT NULL, digest BLOB NOT NULL, tokens INTEGER NOT NULL, "
    "token_count INTEGER NOT NULL, truncated INTEGER NOT NULL, vector BLOB NOT NULL);";

// In the mode that a new file has, so that its first page says at once what it is. Two processes may do it together.
// An older version's file gets what it lacks: that version goes on to use the rest of it.
Result<void> create_store(SqliteDatabase& database) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return std::unexpected(transaction.error());
  return database.run(std::format("PRAGMA application_id = {}", kStoreApplication))
      .and_then([&] {
        return database.run(std::format(
            "CREATE TABLE IF NOT EXISTS spaces(id INTEGER PRIMARY KEY, settings TEXT NOT NULL UNIQUE, "
            "dimension INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS vectors{0}"
            "CREATE UNIQUE INDEX IF NOT EXISTS by_text ON vectors(space, digest);"
            "CREATE TABLE IF NOT EXISTS waiting{0}"
            "CREATE TABLE IF NOT EXISTS sources(space INTEGER NOT NULL, kernels TEXT NOT NULL, device TEXT NOT NULL, "
            "PRIMARY KEY(space, kernels, device)) WITHOUT ROWID;"
            "INSERT INTO sources SELECT id, 'unknown', 'unknown' FROM spaces "
            "WHERE EXISTS(SELECT 1 FROM vectors WHERE space = spaces.id) "
            "AND NOT EXISTS(SELECT 1 FROM sources WHERE space = spaces.id);",
            kVectorColumns));
      })
      .and_then([&] { return transaction->commit(); });
}

Result<std::int64_t> space_of(SqliteDatabase& database, const std::string& settings, std::int32_t dimension) {
  auto insert = database.prepare("INSERT OR IGNORE INTO spaces(settings, dimension) VALUES(?, ?)");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, settings).bind(2, std::int64_t{dimension});
  if (auto inserted = insert->step(); !inserted) return std::unexpected(inserted.error());
  auto find = database.prepare("SELECT id FROM spaces WHERE settings = ? AND dimension = ?");
  if (!find) return std::unexpected(find.error());
  find->bind(1, settings).bind(2, std::int64_t{dimension});
  const auto row = find->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return database.damaged("it has vectors of another length for this model");
  return find->integer(0);
}

}  // namespace

std::string vector_settings(const EmbeddingModel& model) {
  const EmbeddingConfig& config = model.config();
  return std::format("model {}; pooling {}; normalized {}; at most {} tokens; special tokens {}; tokenizer {}",
                     model.metadata().identity, to_string(model.pooling()), config.normalize_embeddings ? "yes" : "no",
                     model.max_sequence_length(), config.special_tokens == SpecialTokens::Parse ? "parse" : "text",
                     model.tokenizer());
}

struct VectorStore::State {
  std::mutex mutex;
  std::unique_ptr<SqliteDatabase> database;
  std::optional<Statement> find, keep, move, unkeep, tell_source, list_sources;
  std::int64_t space = 0;
  std::size_t dimension = 0;
  std::vector<std::pair<TextDigest, KnownVector>> inserted;  // in memory alone
  std::vector<std::pair<TextDigest, std::int64_t>> waiting;  // of the table, by id
  std::optional<VectorSource> source;                        // that the file knows of
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> recall();
  [[nodiscard]] Result<void> write_inserted(const VectorSource& by);
  [[nodiscard]] Result<void> flush();
};

Result<void> VectorStore::State::prepare() {
  const auto make = [&](std::optional<Statement>& target, std::string_view sql) -> Result<void> {
    auto statement = database->prepare(sql);
    if (!statement) return std::unexpected(statement.error());
    target = std::move(*statement);
    return {};
  };
  return make(find, "SELECT tokens, token_count, truncated, vector FROM vectors WHERE space = ? AND digest = ?")
      .and_then([&] { return make(keep, "INSERT INTO waiting VALUES(NULL, ?, ?, ?, ?, ?, ?) RETURNING id"); })
      .and_then([&] {
        return make(move,
                    "INSERT OR IGNORE INTO vectors SELECT NULL, space, digest, tokens, token_count, truncated, vector "
                    "FROM waiting WHERE id = ?");
      })
      .and_then([&] { return make(unkeep, "DELETE FROM waiting WHERE id = ?"); })
      .and_then([&] { return make(tell_source, "INSERT OR IGNORE INTO sources VALUES(?, ?, ?)"); })
      .and_then([&] { return make(list_sources, "SELECT kernels, device FROM sources WHERE space = ?"); });
}

// What killed processes have left, of any model, and what living ones keep just now: whoever moves it.
Result<void> VectorStore::State::recall() {
  auto rows = database->prepare("SELECT id, digest FROM waiting");
  if (!rows) return std::unexpected(rows.error());
  for (;;) {
    const auto row = rows->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    TextDigest digest{};
    const auto blob = rows->blob(1);
    std::copy_n(blob.begin(), std::min(blob.size(), digest.size()), digest.begin());
    waiting.emplace_back(digest, rows->integer(0));
  }
  return flush();
}

VectorStore::VectorStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
VectorStore::~VectorStore() = default;
VectorStore::VectorStore(VectorStore&&) noexcept = default;
VectorStore& VectorStore::operator=(VectorStore&&) noexcept = default;

Result<VectorStore> VectorStore::open(const std::filesystem::path& path, const std::string& settings,
                                      std::int32_t dimension) {
  const auto kind = internal::kind_of_database(path, kStoreApplication);
  if (!kind) return std::unexpected(kind.error());
  if (*kind == FileKind::Other || *kind == FileKind::OtherDatabase) {
    return fail(ErrorCode::InvalidArgument,
                std::format("'{}' is no vector store; name a new file or one that was made as such", path.string()));
  }
  auto database = SqliteDatabase::open(path, std::format("the vector store '{}'", path.string()), "");
  if (!database) return std::unexpected(database.error());
  (*database)->wait_for_others(kBusyMilliseconds);
  if (*kind != FileKind::Ours) {
    auto made = (*database)->run("PRAGMA page_size = 16384").and_then([&] { return create_store(**database); });
    if (!made) return std::unexpected(made.error());
  }
  if (auto set = (*database)->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;");
      !set)
    return std::unexpected(set.error());
  const auto is_complete = (*database)->ask("SELECT 1 FROM sqlite_schema WHERE name = 'sources'");
  if (!is_complete) return std::unexpected(is_complete.error());
  if (!*is_complete) {
    if (auto made = create_store(**database); !made) return std::unexpected(made.error());
  }
  const auto space = space_of(**database, settings, dimension);
  if (!space) return std::unexpected(space.error());
  auto state = std::make_unique<State>();
  state->database = std::move(*database);
  state->space = *space;
  state->dimension = static_cast<std::size_t>(dimension);
  auto ready = state->prepare().and_then([&] { return state->recall(); });
  if (!ready) return std::unexpected(ready.error());
  return VectorStore(std::move(state));
}

Result<std::optional<KnownVector>> VectorStore::find(const TextDigest& text) {
  const std::scoped_lock lock(state_->mutex);
  Statement& find = *state_->find;
  find.bind(1, state_->space).bind(2, text);
  const auto row = find.step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  KnownVector known{.vector = std::vector<float>(state_->dimension),
                    .tokens = static_cast<std::uint32_t>(find.integer(0)),
                    .token_count = static_cast<std::uint64_t>(find.integer(1)),
                    .truncated = find.integer(2) != 0};
  const auto blob = find.blob(3);
  const bool fits = blob.size() == known.vector.size() * sizeof(float);
  if (fits) std::memcpy(known.vector.data(), blob.data(), blob.size());
  find.reset();
  if (!fits) return state_->database->damaged("a vector is cut short");
  return known;
}

Result<void> VectorStore::State::write_inserted(const VectorSource& by) {
  if (inserted.empty()) return {};
  auto transaction = Transaction::begin(*database);
  if (!transaction) return std::unexpected(transaction.error());
  if (source != by) {
    tell_source->bind(1, space).bind(2, by.kernels).bind(3, by.device);
    if (auto told = tell_source->step(); !told) return std::unexpected(told.error());
  }
  std::vector<std::pair<TextDigest, std::int64_t>> written;
  for (const auto& [digest, known] : inserted) {
    keep->bind(1, space).bind(2, digest).bind(3, std::int64_t{known.tokens});
    keep->bind(4, static_cast<std::int64_t>(known.token_count)).bind(5, std::int64_t{known.truncated});
    keep->bind(6, std::as_bytes(std::span(known.vector)));
    if (auto kept = keep->step(); !kept) return std::unexpected(kept.error());
    written.emplace_back(digest, keep->integer(0));
    keep->reset();
  }
  if (auto committed = transaction->commit(); !committed) return committed;
  source = by;
  inserted.clear();
  waiting.append_range(written);
  return {};
}

// Sorted, so that each page of the index is changed once. Where another process has moved it already, or another's has
// got its id since, that does no harm.
Result<void> VectorStore::State::flush() {
  if (waiting.empty()) return {};
  std::ranges::sort(waiting);
  auto transaction = Transaction::begin(*database);
  if (!transaction) return std::unexpected(transaction.error());
  for (const auto& [digest, id] : waiting) {
    move->bind(1, id);
    if (auto moved = move->step(); !moved) return std::unexpected(moved.error());
    unkeep->bind(1, id);
    if (auto gone = unkeep->step(); !gone) return std::unexpected(gone.error());
  }
  if (auto committed = transaction->commit(); !committed) return committed;
  waiting.clear();
  return {};
}

void VectorStore::insert(const TextDigest& text, KnownVector known) {
  const std::scoped_lock lock(state_->mutex);
  state_->inserted.emplace_back(text, std::move(known));
}

Result<void> VectorStore::keep(const VectorSource& source) {
  const std::scoped_lock lock(state_->mutex);
  auto written = state_->write_inserted(source);
  if (!written || state_->waiting.size() * state_->dimension * sizeof(float) < kWaitingBytes) return written;
  return state_->flush();
}

// The last process that has the file does so when it closes it, others would leave their end of the log unsynced. Where
// one reads from the log just now, the rest waits for the next.
Result<void> VectorStore::flush() {
  const std::scoped_lock lock(state_->mutex);
  auto flushed = state_->flush();
  if (flushed) static_cast<void>(state_->database->ask("PRAGMA wal_checkpoint(PASSIVE)"));
  return flushed;
}

Result<std::vector<VectorSource>> VectorStore::sources() {
  const std::scoped_lock lock(state_->mutex);
  Statement& list = *state_->list_sources;
  list.bind(1, state_->space);
  std::vector<VectorSource> found;
  for (;;) {
    const auto row = list.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return found;
    found.push_back({.kernels = list.text(0), .device = list.text(1)});
  }
}

}  // namespace llama
