// Find the files of a data set that a pattern means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cache/manifest.h"
#include "hub/hub_repository.h"
#include "hub/model_choice.h"

namespace llama::internal {

struct DatasetChoice {
  std::vector<HubFile> files;           // in their natural order; empty: nothing matches
  std::vector<std::string> left_out{};  // tables of another kind in a folder
};

// Pure. A pattern is, the first that it can be: the name of a file; a folder ("": the whole repository); a glob
// (glob.h).
//
// A folder means the tables in it and in its folders, without those that begin with '.' or '_', all of one kind: the
// first of Parquet, Arrow, JSON Lines, CSV, TSV, JSON and text of which there are any.
[[nodiscard]] DatasetChoice select_files(const std::vector<HubFile>& files, std::string_view pattern);

// "data set 'org/name' has 12 files and none that 'data/*.csv' means; the nearest: …"
[[nodiscard]] Error no_match(const HubRepository& repository, std::string_view pattern);

// Asks the hub for as much of its list as the pattern needs; the commit is in `repository` afterwards.
// Requires request.pattern.
//
// Errors   those of huggingface.h; NotFound: nothing matches, or a model of this name.
// Cost     two requests where the list has one page; one or two more for a folder, and where nothing matches.
[[nodiscard]] Result<ModelChoice> choose_dataset_files(const HubAccess& hub, const ModelRequest& request,
                                                       HubRepository& repository);

}  // namespace llama::internal
