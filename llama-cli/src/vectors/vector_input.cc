#include "vectors/vector_input.h"

#include "exit_status.h"

namespace llama {

Step<VectorFile> open_vectors(const VectorArguments& arguments, const Interrupt& interrupt) {
  auto file = VectorFile::open({.paths = {arguments.file}, .column = arguments.vector_column}, interrupt.token());
  if (file) return std::move(*file);
  Error error = std::move(file.error());
  if (error.message.contains("several columns may be the vectors")) error.message += " (--vector-column)";
  const int status = vector_status(error.code);
  return stop_with(std::move(error), status);
}

Step<void> check_one_model(const VectorFile& file) {
  if (file.odd_files().empty()) return {};
  return stop_with({ErrorCode::InvalidArgument,
                    file.odd_files().front() + ": they cannot be compared; name files that belong together"},
                   kInputError);
}

int vector_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidQuery:
      return kUsageError;
    case ErrorCode::OutOfMemory:
    case ErrorCode::Internal:
      return kInternalError;
    default:
      return kInputError;
  }
}

std::string_view dtype_name(VectorElement element) {
  switch (element) {
    case VectorElement::Float32:
      return "float32";
    case VectorElement::Float16:
      return "float16";
    case VectorElement::Int8:
      return "int8";
    case VectorElement::Bits:
      break;
  }
  return "binary";
}

Failure cut_off() { return {{ErrorCode::Io, "standard output cannot be written"}, kOutputError}; }

int tell_failure(const Failure& failure, const Interrupt& interrupt) {
  if (failure.error.code == ErrorCode::Cancelled && interrupt.signal() != 0) {
    tell("Interrupted");
    return interrupt.exit_status();
  }
  tell("Error: {}", failure.error.message);
  return failure.status;
}

}  // namespace llama
