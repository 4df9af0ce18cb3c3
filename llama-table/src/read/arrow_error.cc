#include "read/arrow_error.h"

#include <algorithm>
#include <format>
#include <string>

namespace llama::internal {

std::unexpected<Error> arrow_read_failure(const arrow::Status& status, std::string_view name) {
  if (status.IsCancelled()) return fail(ErrorCode::Cancelled, "reading was stopped");
  std::string reason = status.message();
  reason.resize(std::min(reason.find('\n'), reason.size()));
  if (status.IsOutOfMemory() || status.IsCapacityError())
    return fail(ErrorCode::OutOfMemory, std::format("{} takes more memory than there is: {}", name, reason));
  if (status.IsIOError() && !reason.contains("Expected") && !reason.contains("end of") && !reason.contains("corrupt"))
    return fail(ErrorCode::Io, std::format("{} cannot be read: {}", name, reason));
  return fail(ErrorCode::InvalidText, std::format("{} is damaged, cut short or no such table: {}", name, reason));
}

}  // namespace llama::internal
