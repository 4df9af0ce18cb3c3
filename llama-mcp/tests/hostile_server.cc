// A server over pipes that behaves as servers in the field have: hostile_server MODE [TOKEN].
//
// It speaks the older era with one tool, "echo", but for what its mode says. TOKEN does nothing: a test finds the
// processes that it started by it.
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace {

using Json = nlohmann::ordered_json;

std::string mode;

void write_line(const std::string& line) { std::cout << line << "\n" << std::flush; }

void answer(const Json& id, const Json& result) {
  write_line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", result}}.dump());
}

void refuse(const Json& id, int code) {
  write_line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", "Method not found"}}}}.dump());
}

void notify(const std::string& method, const Json& params) {
  write_line(Json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}.dump());
}

Json text(const std::string& words) { return {{"content", {{{"type", "text"}, {"text", words}}}}}; }

[[noreturn]] void sleep_for_ever() {
  while (true) pause();
}

// A child in the group that ignores what is polite and holds the pipes.
pid_t start_survivor() {
  const pid_t child = fork();
  if (child != 0) return child;
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  sleep_for_ever();
}

void initialize(const Json& id, const Json& params) {
  if (mode == "floods-stderr") std::cerr << std::string(std::size_t{2} << 20, 'x') << "\n" << "the flood is over\n";
  if (mode == "other-era") return answer(id, {{"protocolVersion", "1999-01-01"}, {"capabilities", Json::object()}});
  Json version = params.at("protocolVersion");
  if (mode == "old") version = "2024-11-05";
  answer(id, {{"protocolVersion", version},
              {"capabilities", {{"tools", Json::object()}}},
              {"serverInfo", {{"name", "hostile"}, {"version", "1"}}}});
}

void list_tools(const Json& id, const Json& params) {
  Json result{{"tools", {{{"name", "echo"}, {"inputSchema", {{"type", "object"}}}}}}};
  if (mode == "promises") {
    result["tools"][0]["outputSchema"] = {{"properties", {{"n", {{"type", "integer"}}}}}, {"required", {"n"}}};
  }
  if (mode == "repeated-cursor") result["nextCursor"] = "again";
  if (mode == "endless-pages") {
    const int page = params.contains("cursor") ? std::stoi(params["cursor"].get<std::string>()) : 0;
    result["nextCursor"] = std::to_string(page + 1);
  }
  if (mode == "storm") {
    for (int i = 0; i < 20'000; ++i) {
      notify("notifications/tools/list_changed", Json::object());
      notify("notifications/message", {{"level", "info"}, {"data", "line " + std::to_string(i)}});
    }
  }
  answer(id, result);
}

void call_tool(const Json& id, const Json& params) {
  const Json& arguments = params.at("arguments");
  if (mode == "half-line") {
    std::cout << R"({"jsonrpc":"2.0","id":)" << std::flush;
    std::exit(4);
  }
  if (mode == "exits-in-call") {
    std::cerr << "cannot go on: the disk is full\n";
    std::exit(5);
  }
  if (mode == "promises") {
    return answer(id, {{"content", {{{"type", "text"}, {"text", "words"}}}}, {"structuredContent", arguments}});
  }
  if (mode == "never-answers") return;
  if (mode == "deaf") sleep_for_ever();
  if (mode == "huge") {  // by hand: nlohmann-json looks at each of a hundred million characters
    return write_line(R"({"jsonrpc":"2.0","id":)" + id.dump() + R"(,"result":{"content":[{"type":"text","text":")" +
                      std::string(std::size_t{100} << 20, 'x') + R"("}]}})");
  }
  if (mode == "ill-formed") {
    return write_line(R"({"jsonrpc":"2.0","id":)" + id.dump() + R"(,"result":{"content":[{"type":"text","text":"a)" +
                      "\xff\xc0" + R"(b"}]}})");
  }
  if (mode == "job") {  // as a shell with job control starts one
    const pid_t job = start_survivor();
    setpgid(job, job);
    return answer(id, text(std::to_string(job)));
  }
  if (mode == "orphan") return answer(id, text(std::to_string(start_survivor())));
  if (mode == "environment") {
    const char* value = std::getenv(arguments.at("name").get<std::string>().c_str());
    return answer(id, text(value == nullptr ? "unset" : value));
  }
  if (mode == "folder") {
    char* folder = getcwd(nullptr, 0);
    answer(id, text(folder));
    return std::free(folder);
  }
  if (mode == "secret") {
    const char* value = std::getenv("SECRET");
    std::cerr << "the key " << (value == nullptr ? "" : value) << " is wrong\n";
    std::exit(6);
  }
  if (mode == "progress") {
    for (int i = 0; i < 12; ++i) {
      notify("notifications/progress", {{"progressToken", params["_meta"]["progressToken"]}, {"progress", i}});
      usleep(200'000);
    }
  }
  answer(id, text(arguments.value("words", "")));
}

void take(const Json& message) {
  const std::string method = message.value("method", "");
  if (!message.contains("id") || method.empty()) return;
  const Json& id = message["id"];
  const Json params = message.value("params", Json::object());
  if (mode == "silent") return;
  if (method == "server/discover") {
    if (mode == "exits-on-probe") std::exit(3);
    if (mode == "silent-on-probe") sleep_for_ever();
    return refuse(id, -32601);
  }
  if (mode == "noise") {
    write_line(
        "Starting up ...\n\n[warning] this is no JSON\n{\"half\": \n\"just a text\"\n[1,2,3]\n{\"jsonrpc\":\"2.0\"}");
  }
  if (mode == "wrong-ids" && method != "initialize") {
    answer(id.get<int>() + 1'000, text("not yours"));
    return answer(std::to_string(id.get<int>()), text("a text is no number"));
  }
  if (mode == "same-id") {
    write_line(Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", "ping"}}.dump());
    write_line(
        Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", "sampling/createMessage"}, {"params", Json::object()}}.dump());
  }
  if (method == "initialize") return initialize(id, params);
  if (method == "tools/list") return list_tools(id, params);
  if (method == "tools/call") return call_tool(id, params);
  if (method == "ping") return answer(id, Json::object());
  refuse(id, -32601);
}

}  // namespace

int main(int argc, char** argv) {
  mode = argc > 1 ? argv[1] : "good";
  if (mode == "ends-at-once") {
    std::cerr << "no configuration found\n";
    return 7;
  }
  if (mode == "ignores-sigterm") std::signal(SIGTERM, SIG_IGN);
  for (std::string line; std::getline(std::cin, line);) {
    const Json message = Json::parse(line, nullptr, false);
    if (!message.is_discarded()) take(message);
  }
  if (mode == "ignores-sigterm") sleep_for_ever();
  return 0;
}
