// Result and Error are llama-base's; this header stays for programs that include it by its first name.
#pragma once

#include "llama-base/error.h"  // IWYU pragma: export
