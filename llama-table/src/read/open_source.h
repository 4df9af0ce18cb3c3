// Open whatever a TableInput names.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-table/row_reader.h"
#include "llama-table/table_reader.h"
#include "read/batch_source.h"
#include "read/database.h"

namespace llama::internal {

struct OpenedSource {
  std::unique_ptr<BatchSource> source;
  InputIdentity identity;
};

[[nodiscard]] Result<OpenedSource> open_source(const TableInput& input, const std::stop_token& stop);

// A user's query; statements that prepare it (ATTACH … (READ_ONLY)) come before it.
// attach: databases for it, as attached_database.h writes them.
[[nodiscard]] Result<std::unique_ptr<BatchSource>> open_query(std::unique_ptr<DuckDatabase> database,
                                                              const std::string& sql,
                                                              const std::vector<std::string>& attach,
                                                              const std::stop_token& stop);

}  // namespace llama::internal
