#include "llama-agent/finish_reason.h"

namespace llama {

std::string_view to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::EndOfSequence:
      return "end of sequence";
    case FinishReason::StopString:
      return "stop string";
    case FinishReason::StopRule:
      return "stop rule";
    case FinishReason::TokenLimit:
      return "token limit";
    case FinishReason::ContextFull:
      return "context full";
    case FinishReason::Repetition:
      return "repetition";
    case FinishReason::TimeLimit:
      return "time limit";
    case FinishReason::Cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view openai_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::EndOfSequence:
    case FinishReason::StopString:
    case FinishReason::StopRule:
    case FinishReason::Repetition:
      return "stop";
    case FinishReason::TokenLimit:
    case FinishReason::ContextFull:
    case FinishReason::TimeLimit:
      return "length";
    case FinishReason::Cancelled:
      break;
  }
  return "cancelled";
}

}  // namespace llama
