// A hub in memory, for tests of whatever asks one: repositories of files, listed and served as the real one does.
#pragma once

#include <algorithm>
#include <filesystem>
#include <format>
#include <map>
#include <string>

#include "gguf_bytes.h"
#include "llama-base/digest.h"
#include "llama-http/memory_transport.h"
#include "llama-loader/hub_settings.h"

namespace llama::test {

inline const std::string kCommit(40, 'c');

// A model that passes every check of a header: `kilobytes` of weights.
inline std::string sound_model(std::uint64_t kilobytes, std::string_view name = "m") {
  GgufBytes bytes;
  bytes.start(1, 2).key("general.architecture", "bert").key("general.name", name);
  bytes.tensor("token_embd.weight", {256, kilobytes}, 0, 0).pad_and(kilobytes * 1024);
  for (std::size_t i = bytes.data.size() - 1024; i < bytes.data.size(); ++i)
    bytes.data[i] = static_cast<char>(i * 7);  // not all the same
  return bytes.data;
}

// What holds a draft alone.
inline std::string draft_model() {
  GgufBytes bytes;
  bytes.start(1, 3).key("general.architecture", "qwen35").key("qwen35.block_count", 65);
  return bytes.key("qwen35.nextn_predict_layers", 1).tensor("blk.64.w", {256, 64}, 0, 0).pad_and(65'536).data;
}

struct MemoryHub {
  std::map<std::string, std::string> files{};  // of the repository
  std::string repo = "org/m";                  // or "datasets/org/m"
  MemoryServer server{};

  explicit MemoryHub(std::map<std::string, std::string> content, std::string name = "org/m")
      : files(std::move(content)), repo(std::move(name)) {
    server.handle([this](const HttpRequest& request) { return answer(request); });
  }
  [[nodiscard]] static HubSettings settings() {
    return {.endpoint = "http://hub.test", .token = {}, .offline = false, .hugging_face_cache = {}, .lanes = 1};
  }
  [[nodiscard]] MemoryAnswer answer(const HttpRequest& request) const {
    const bool is_dataset = repo.starts_with("datasets/");
    const std::string base = "http://hub.test/", api = base + "api/" + (is_dataset ? "" : "models/") + repo + "/";
    if (request.url == api + "revision/main") return {.pieces = {R"({"sha": ")" + kCommit + R"("})"}};
    if (const std::string tree = api + "tree/" + kCommit; request.url.starts_with(tree)) {
      const std::string folder = request.url.substr(tree.size(), request.url.find('?') - tree.size());
      return {.pieces = {listing(folder.empty() ? "" : folder.substr(1) + "/")}};
    }
    const std::string content = base + repo + "/resolve/" + kCommit + "/";
    if (request.url.starts_with(content)) {
      const auto file = files.find(request.url.substr(content.size()));
      if (file != files.end()) return content_answer(request, file->second);
    }
    return {.status = 404};
  }
  [[nodiscard]] std::string listing(const std::string& below = "") const {
    std::string list;
    for (const auto& [path, content] : files) {
      if (!path.starts_with(below)) continue;
      list += std::format(R"({}{{"type":"file","path":"{}","size":{},"oid":"{}","lfs":{{"oid":"{}","size":{}}},)"
                          R"("lastCommit":{{"date":"2026-01-31T12:34:56.000Z"}}}})",
                          list.empty() ? "" : ",", path, content.size(), std::string(40, 'b'),
                          internal::digest_of(content, internal::DigestKind::Sha256).hex, content.size());
    }
    return "[" + list + "]";
  }
  // Requests for contents, whole or in part.
  [[nodiscard]] std::vector<HttpRequest> content_requests() const {
    auto requests = server.requests();
    std::erase_if(requests, [](const HttpRequest& request) { return !request.url.contains("/resolve/"); });
    return requests;
  }
};

}  // namespace llama::test
