// The journal of a run: what was computed, beside the output until that is whole.
//
// Resuming is the same run again with those texts known: the input is read from its beginning, and the rows come out as
// they would have. So a journal is bound to the input, the model and the settings. One process at a time has it: SQLite
// holds an exclusive lock on the file, which the kernel frees when the process dies, and no file is needed for that.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text_store.h"

namespace llama::internal {

struct JournalBinding {
  std::string input;                                          // for people: "file 'a.csv'"
  std::string input_fingerprint;                              // InputIdentity's
  std::string model;                                          // for people: its file
  std::string model_identity;                                 // of its content
  std::vector<std::pair<std::string, std::string>> settings;  // by the name that people know them under
  std::string way_out;                                        // for people, where the journal is of no use: "remove it"
};

class Journal {
 public:
  // Goes on with the journal that is there, or begins one.
  //
  // Errors   InvalidArgument: it is of another input, model or setting, and the message says which; the file is no
  //          journal (it is not changed). Busy: another process has it. Corrupt. NoSpace. Io.
  [[nodiscard]] static Result<Journal> open(const std::filesystem::path& path, const JournalBinding& binding,
                                            bool restarts);

  [[nodiscard]] TextStore& texts() { return *texts_; }
  [[nodiscard]] bool is_new() const { return is_new_; }  // there was none, to go on with or to begin anew

  // All rows are written, and the output will have its name next (interrupted_run.h). On the disk when this returns.
  [[nodiscard]] Result<void> announce_output(std::uint64_t rows);

  // The output is whole: the file goes. Nothing can be done with the journal afterwards.
  [[nodiscard]] Result<void> remove();

 private:
  Journal(std::filesystem::path path, std::unique_ptr<TextStore> texts, bool is_new)
      : path_(std::move(path)), texts_(std::move(texts)), is_new_(is_new) {}
  std::filesystem::path path_;
  std::unique_ptr<TextStore> texts_;
  bool is_new_;
};

}  // namespace llama::internal
