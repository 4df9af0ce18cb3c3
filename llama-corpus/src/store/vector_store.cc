#include "llama-corpus/vector_store.h"

#include <algorithm>
#include <cstring>
#include <format>
#include <mutex>
#include <span>
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

// In the mode that a new file has, so that its first page says at once what it is. Two processes may do it together.
Result<void> create_store(SqliteDatabase& database) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return std::unexpected(transaction.error());
  return database.run(std::format("PRAGMA application_id = {}", kStoreApplication))
      .and_then([&] {
        return database.run(
            "CREATE TABLE IF NOT EXISTS spaces(id INTEGER PRIMARY KEY, settings TEXT NOT NULL UNIQUE, "
            "dimension INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS vectors(id INTEGER PRIMARY KEY, space INTEGER NOT NULL, digest BLOB NOT NULL, "
            "tokens INTEGER NOT NULL, token_count INTEGER NOT NULL, truncated INTEGER NOT NULL, vector BLOB NOT NULL);"
            "CREATE UNIQUE INDEX IF NOT EXISTS by_text ON vectors(space, digest);");
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
  State(std::unique_ptr<SqliteDatabase> d, Statement f, Statement i)
      : database(std::move(d)), find(std::move(f)), insert(std::move(i)) {}
  std::mutex mutex;
  std::unique_ptr<SqliteDatabase> database;
  Statement find, insert;
  std::int64_t space = 0;
  std::size_t dimension = 0;
  std::vector<std::pair<TextDigest, KnownVector>> waiting;

  Result<void> flush();
};

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
  auto find =
      (*database)->prepare("SELECT tokens, token_count, truncated, vector FROM vectors WHERE space = ? AND digest = ?");
  if (!find) return std::unexpected(find.error());
  auto insert = (*database)->prepare("INSERT OR IGNORE INTO vectors VALUES(NULL, ?, ?, ?, ?, ?, ?)");
  if (!insert) return std::unexpected(insert.error());
  const auto space = space_of(**database, settings, dimension);
  if (!space) return std::unexpected(space.error());
  auto state = std::make_unique<State>(std::move(*database), std::move(*find), std::move(*insert));
  state->space = *space;
  state->dimension = static_cast<std::size_t>(dimension);
  return VectorStore(std::move(state));
}

Result<std::optional<KnownVector>> VectorStore::find(const TextDigest& text) {
  const std::scoped_lock lock(state_->mutex);
  Statement& find = state_->find;
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

Result<void> VectorStore::State::flush() {
  if (waiting.empty()) return {};
  // Sorted, so that each page of the index is changed once.
  std::ranges::sort(waiting, {}, &std::pair<TextDigest, KnownVector>::first);
  auto transaction = Transaction::begin(*database);
  if (!transaction) return std::unexpected(transaction.error());
  for (const auto& [digest, known] : waiting) {
    insert.bind(1, space).bind(2, digest).bind(3, std::int64_t{known.tokens});
    insert.bind(4, static_cast<std::int64_t>(known.token_count)).bind(5, std::int64_t{known.truncated});
    insert.bind(6, std::as_bytes(std::span(known.vector)));
    if (auto inserted = insert.step(); !inserted) return std::unexpected(inserted.error());
  }
  if (auto committed = transaction->commit(); !committed) return committed;
  waiting.clear();
  return {};
}

Result<void> VectorStore::insert(const TextDigest& text, KnownVector known) {
  const std::scoped_lock lock(state_->mutex);
  state_->waiting.emplace_back(text, std::move(known));
  return state_->waiting.size() * state_->dimension * sizeof(float) < kWaitingBytes ? Result<void>() : state_->flush();
}

Result<void> VectorStore::flush() {
  const std::scoped_lock lock(state_->mutex);
  return state_->flush();
}

}  // namespace llama
