#include "chat.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
#include <functional>
#include <print>
#include <vector>

#include "answer_printer.h"
#include "conversation.h"
#include "exit_status.h"
#include "generate.h"
#include "line_editor.h"
#include "statistics.h"
#include "tools/generate_tools.h"
#include "tools/question_prompt.h"
#include "tools/shown_text.h"

namespace llama {
namespace {

constexpr std::array<const char*, 12> kCommands{"/tools", "/help", "/exit", "/clear",   "/system",   "/undo",
                                                "/retry", "/save", "/load", "/history", "/thinking", "/stats"};

constexpr std::size_t kMaxShownResult = 500;  // bytes, in the history

constexpr const char* kHelp =
    "/system TEXT   say what the model shall be, and begin anew\n"
    "/clear         begin anew\n"
    "/undo          forget the last question and its answer\n"
    "/retry         answer the last question again\n"
    "/history       show the conversation\n"
    "/save FILE     keep the conversation in a JSON file\n"
    "/load FILE     go on with one\n"
    "/thinking X    on, off, or auto: as the model does by itself\n"
    "/tools         what the model may call\n"
    "/stats         tokens, speed and seed of the last answer\n"
    "/exit          leave; so does Ctrl-D\n"
    "Ctrl-C stops an answer.";

void show_message(const Message& message) {
  if (message.role == MessageRole::Tool) {
    return std::println("[tool] {}: {}", printable(message.tool_name.value_or("")),
                        shown(message.content, kMaxShownResult));
  }
  std::fputs(std::format("[{}] {}\n", to_string(message.role), message.content).c_str(), stdout);
  for (const ToolCall& call : message.tool_calls)
    std::println("  → {} {}", printable(call.name), shown(call.arguments, kMaxShownResult));
}

class Chat {
 public:
  Chat(AgentServer& server, GenerationRequest request, const ChatOptions& options, Interrupt& interrupt,
       const Console& console)
      : server_(server),
        request_(std::move(request)),
        options_(options),
        conversation_(server, options.system),
        interrupt_(interrupt),
        console_(console),
        editor_(kCommands, interrupt) {}

  Step<int> run() {
    if (auto begun = conversation_.begin(); !begun) return stop_with(begun.error(), kInternalError);
    if (editor_.is_terminal()) console_.line("Chat: /help lists the commands, Ctrl-C stops an answer, /exit leaves\n");
    if (options_.first) {
      if (editor_.is_terminal()) std::println("> {}", options_.first->content);
      ask(options_.first->content);
    }
    while (!over_) {
      // Meant for an answer that had just ended.
      if (editor_.is_terminal()) interrupt_.forgive();
      if (interrupt_.signal() != 0) break;
      const auto line = editor_.read();
      if (!line) break;
      if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
      if (line->starts_with('/')) {
        obey(*line);
      } else {
        ask(*line);
      }
    }
    if (status_ != kDone) return status_;
    return interrupt_.signal() == 0 ? kDone : interrupt_.exit_status();
  }

 private:
  void complain(const Error& error) {
    std::println(stderr, "Error: {}", error.message);
    note(answer_status(error.code));
  }

  // In a pipe nobody reads what was said: the exit status has to tell.
  void note(int status) {
    if (!editor_.is_terminal()) status_ = status;
  }

  void ask(const std::string& question) {
    if (auto added = conversation_.ask(question); !added) return complain(added.error());
    // What tools did is done, and the model has to know of it.
    if (!answer() && !conversation_.was_acted_upon()) conversation_.undo();
  }

  // False where nothing came of it.
  bool answer() {
    request_.session_id = conversation_.id();
    run_end_ = RunEnd::Answered, calls_were_made_ = false;
    auto response = options_.tools == nullptr ? plain_answer() : answer_with_tools();
    if (!response) {
      interrupt_.forgive();
      complain(response.error());
      if (response.error().code == ErrorCode::Io) over_ = true, status_ = kOutputError;
      return false;
    }
    if (response->finish_reason == FinishReason::Cancelled || run_end_ == RunEnd::Cancelled) {
      std::println(stderr, "(stopped)");
      interrupt_.forgive();
    } else if (response->finish_reason != FinishReason::EndOfSequence &&
               (run_end_ == RunEnd::Answered || run_end_ == RunEnd::TokenLimit)) {
      std::println(stderr, "({}{})", to_string(response->finish_reason),
                   response->finish_detail.empty() ? "" : ": " + response->finish_detail);
      if (response->finish_reason == FinishReason::TimeLimit) note(kInternalError);
    }
    if (response->usage.dropped_messages > 0) {
      std::println(stderr, "(the context is full: the oldest {} messages were left out)",
                   response->usage.dropped_messages);
    }
    if (!response->schema_violation.empty()) {
      std::println(stderr, "Warning: the answer is no document of the schema: {}", response->schema_violation);
      note(kInternalError);
    }
    if (!response->not_kept.empty()) {
      std::println(stderr, "Warning: the conversation goes on without this answer: {}", response->not_kept);
    }
    if (options_.debug) print_statistics(*response);
    if (editor_.is_terminal()) std::println("");
    const bool something = !response->generated_text.empty() || !response->thinking.empty() || calls_were_made_;
    last_ = std::move(*response);
    return something;
  }

  Result<GenerationResponse> plain_answer() {
    AnswerPrinter printer(console_, {.show_thinking = options_.show_thinking});
    auto stream = server_.generate_stream(request_, interrupt_.token());
    return stream.and_then([&](GenerationStream& s) { return printer.print(s); });
  }

  Result<GenerationResponse> answer_with_tools() {
    auto run = options_.tools->run(server_, request_, *options_.arguments, console_, interrupt_.token());
    if (!run) return std::unexpected(run.error());
    calls_were_made_ = !run->calls.empty();  // what they did is done, and the model has to know of it
    run_end_ = run->end;
    if (run->end != RunEnd::Answered && run->end != RunEnd::TokenLimit && run->end != RunEnd::Cancelled) {
      std::println(stderr, "({}{})", to_string(run->end), run->detail.empty() ? "" : ": " + run->detail);
      note(kToolError);
    }
    return std::move(run->reply);
  }

  void retry() {
    const auto session = conversation_.session();
    if (!session) return complain(session.error());
    const auto is_user = [](const Message& m) { return m.role == MessageRole::User; };
    if (std::ranges::none_of(session->messages, is_user)) return std::println(stderr, "There is nothing to answer yet");
    // All that came after the question: with tools that may be calls, their results and several replies.
    auto asked = session->messages;
    asked.erase(std::ranges::find_if(asked.rbegin(), asked.rend(), is_user).base(), asked.end());
    if (auto set = conversation_.set_messages(std::move(asked)); !set) return complain(set.error());
    if (answer() || conversation_.was_acted_upon()) return;
    static_cast<void>(conversation_.set_messages(session->messages));  // without a new answer the old one stays
  }

  void show_history() {
    const auto session = conversation_.session();
    if (!session) return complain(session.error());
    for (const auto& message : session->messages) show_message(message);
  }

  void save(const std::string& file) {
    if (auto saved = conversation_.save(file); !saved) return complain(saved.error());
    std::println(stderr, "Saved to {}", file);
  }

  void load(const std::string& file) {
    const auto loaded = conversation_.load(file);
    if (!loaded) return complain(loaded.error());
    std::println(stderr, "{} messages loaded", *loaded);
  }

  void set_thinking(const std::string& how) {
    if (how != "on" && how != "off" && how != "auto") return std::println(stderr, "/thinking on, off or auto");
    request_.enable_thinking = how == "auto" ? std::nullopt : std::optional(how == "on");
  }

  void start_anew(const Result<void>& begun) {
    if (!begun) return complain(begun.error());
    std::println(stderr, "A new conversation begins");
  }

  void obey(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    rest.erase(rest.find_last_not_of(" \t\r") + 1);
    const auto needs = [&](const char* what) {
      if (rest.empty()) std::println(stderr, "{} needs {}", name, what);
      return !rest.empty();
    };
    if (name == "/help" || name == "/?") {
      std::println("{}", kHelp);
    } else if (name == "/exit" || name == "/quit" || name == "/bye") {
      over_ = true;
    } else if (name == "/clear") {
      start_anew(conversation_.begin());
    } else if (name == "/system") {
      start_anew(conversation_.begin(rest));
    } else if (name == "/undo") {
      std::println(stderr, "{}",
                   conversation_.undo() ? "The last question is forgotten" : "There is nothing to forget");
    } else if (name == "/retry") {
      retry();
    } else if (name == "/history") {
      show_history();
    } else if (name == "/save") {
      if (needs("a file's name")) save(rest);
    } else if (name == "/load") {
      if (needs("a file's name")) load(rest);
    } else if (name == "/thinking") {
      set_thinking(rest);
    } else if (name == "/tools") {
      if (options_.tools != nullptr) return options_.tools->print_list(interrupt_.token());
      std::println(stderr, "The model has no tools: --mcp-config gives it some");
    } else if (name == "/stats") {
      if (last_) return print_statistics(*last_);
      std::println(stderr, "There is no answer yet");
    } else {
      std::println(stderr, "There is no command {}; /help lists them", name);
    }
  }

  AgentServer& server_;
  GenerationRequest request_;
  ChatOptions options_;
  Conversation conversation_;
  Interrupt& interrupt_;
  const Console& console_;
  LineEditor editor_;
  std::optional<GenerationResponse> last_;
  bool over_ = false;
  RunEnd run_end_ = RunEnd::Answered;  // of the last answer
  bool calls_were_made_ = false;
  int status_ = kDone;
};

}  // namespace

Step<int> run_chat(AgentServer& server, const GenerationRequest& request, const ChatOptions& options,
                   Interrupt& interrupt, const Console& console) {
  return Chat(server, request, options, interrupt, console).run();
}

}  // namespace llama
