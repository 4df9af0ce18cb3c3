#include "generate_texts.h"

#include <unistd.h>

#include <algorithm>
#include <format>
#include <stop_token>

#include "exit_status.h"
#include "llama-agent/json_schema.h"
#include "llama-base/text_kind.h"
#include "llama-base/whole_file.h"

namespace llama {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} * 1024 * 1024;  // of a prompt, a schema, a grammar, a template

// A whole file; "-" is standard input.
Step<std::string> read_file(const std::filesystem::path& path, const Interrupt& interrupt) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "standard input" : std::format("'{}'", path.string());
  auto text = is_stdin ? internal::read_to_end(STDIN_FILENO, kMaxFileBytes, interrupt.token())
                       : internal::read_whole_file(path, kMaxFileBytes, interrupt.token());
  if (!text && text.error().code == ErrorCode::Cancelled) return stop_with(text.error(), kInternalError);
  if (!text) return stop_with({text.error().code, std::format("{}: {}", name, text.error().message)}, kInputError);
  if (const auto why = internal::why_not_utf8(*text)) {
    return stop_with({ErrorCode::InvalidText, std::format("{} is no text in UTF-8: {}", name, *why)}, kInputError);
  }
  return *std::move(text);
}

// Editors and echo end a file with a newline that nobody means.
std::string without_final_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Step<std::optional<Message>> read_prompt(const GenerateArguments& arguments, const Interrupt& interrupt) {
  Message prompt;
  if (arguments.prompt_file || arguments.prompt == "-") {
    if (arguments.chat && (arguments.prompt == "-" || arguments.prompt_file == "-")) {
      return stop_with({ErrorCode::InvalidArgument, "--chat reads standard input itself"}, kUsageError);
    }
    auto text = read_file(arguments.prompt_file ? *arguments.prompt_file : "-", interrupt);
    if (!text) return std::unexpected(text.error());
    prompt.content = without_final_newline(std::move(*text));
  } else if (arguments.prompt) {
    prompt.content = *arguments.prompt;
  } else if (arguments.chat) {
    return std::nullopt;
  } else {
    return stop_with({ErrorCode::InvalidArgument, "a prompt is missing: give --prompt, --prompt-file or --chat"},
                     kUsageError);
  }
  if (auto sound = check(prompt); !sound) {
    const bool is_flag = arguments.prompt && arguments.prompt != "-";
    return stop_with(sound.error(), is_flag ? kUsageError : kInputError);
  }
  return prompt;
}

// What the model may write wrong for all its schema, before anybody waits for it.
void warn_of_unenforced(const JsonSchema& schema, const std::string& file) {
  constexpr std::size_t kMaxNamed = 3;
  const auto& unenforced = schema.unenforced();
  if (unenforced.empty()) return;
  std::string named;
  for (std::size_t i = 0; i < std::min(unenforced.size(), kMaxNamed); ++i) named += (i > 0 ? ", " : "") + unenforced[i];
  if (unenforced.size() > kMaxNamed) named += std::format(" and {} more", unenforced.size() - kMaxNamed);
  show_notice(std::format("'{}': checked only when the answer is complete: {}", file, named));
}

}  // namespace

Step<GenerateTexts> read_texts(const GenerateArguments& a, const Interrupt& interrupt) {
  GenerateTexts texts;
  auto prompt = read_prompt(a, interrupt);
  if (!prompt) return std::unexpected(prompt.error());
  texts.prompt = std::move(*prompt);
  std::string chat_template;
  for (const auto& [file, text] :
       {std::pair{&a.json_schema, &texts.request.json_schema}, std::pair{&a.grammar, &texts.request.grammar},
        std::pair{&a.chat_template, &chat_template}}) {
    if (!*file) continue;
    auto read = read_file(**file, interrupt);
    if (!read) return std::unexpected(read.error());
    if (read->find_first_not_of(" \t\r\n") == std::string::npos) {
      return stop_with({ErrorCode::InvalidArgument, std::format("'{}' is empty", (*file)->string())}, kInputError);
    }
    *text = std::move(*read);
  }
  if (!a.system.empty()) {
    if (auto sound = check(Message{.role = MessageRole::System, .content = a.system}); !sound) {
      return stop_with(sound.error(), kUsageError);
    }
  }
  GenerationRequest& request = texts.request;
  request.sampling = a.sampling;
  request.stopping.max_tokens = a.limit;
  request.stopping.stop_strings = a.stop;
  if (a.detect_repetition) request.stopping.repetition = RepetitionConfig{};
  if (a.thinking) request.enable_thinking = *a.thinking == "on";
  request.thinking_budget = a.thinking_budget;
  request.logprobs = a.logprobs;
  const bool drops = a.overflow ? *a.overflow == "drop-oldest" : a.chat;
  request.overflow = drops ? OverflowPolicy::DropOldest : OverflowPolicy::Fail;
  if (auto sound = check(request); !sound) return stop_with(sound.error(), kUsageError);
  if (!request.json_schema.empty()) {
    const auto schema = JsonSchema::parse(request.json_schema, {}, interrupt.token());
    if (!schema && schema.error().code == ErrorCode::Cancelled) return stop_with(schema.error(), kInternalError);
    if (!schema) {
      return stop_with(
          {ErrorCode::InvalidArgument, std::format("'{}': {}", a.json_schema->string(), schema.error().message)},
          kInputError);
    }
    warn_of_unenforced(*schema, a.json_schema->string());
  }
  if (!chat_template.empty()) {
    auto parsed = ChatTemplate::parse({.source = std::move(chat_template)});
    if (!parsed) {
      return stop_with(
          {ErrorCode::InvalidArgument, std::format("'{}': {}", a.chat_template->string(), parsed.error().message)},
          kInputError);
    }
    texts.chat_template = std::move(*parsed);
  }
  return texts;
}

}  // namespace llama
