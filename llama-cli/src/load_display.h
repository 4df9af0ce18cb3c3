// Show a model coming: its download, then its reading.
#pragma once

#include <string_view>

#include "console.h"
#include "loader_flags.h"
#include "progress.h"

namespace llama {

class LoadDisplay {
 public:
  explicit LoadDisplay(const Console& console)
      : quiet_(console.quiet),
        download_(console.quiet, console.terminal),
        reading_(stderr, console.terminal, "Loading", 100) {}

  // Show what a model's config tells while it loads; the display lives until it is loaded.
  template <class Config>
  void watch(Config& config) {
    config.on_download = [this](const DownloadProgress& progress) { on_download(progress); };
    config.on_message = [this](std::string_view line) { on_message(line); };
    config.on_load_progress = [this](double fraction) { on_progress(fraction); };
  }
  void on_download(const DownloadProgress& progress) { download_.update(progress); }
  void on_message(std::string_view line) { download_.say(line); }
  void on_progress(double fraction) {
    if (!quiet_) reading_.update(static_cast<std::uint64_t>(fraction * 100), fraction);
  }
  void end() {
    download_.end();
    reading_.clear();
  }

 private:
  bool quiet_;
  DownloadDisplay download_;
  Progress reading_;
};

}  // namespace llama
