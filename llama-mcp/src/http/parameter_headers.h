// Put arguments of a tool into HTTP headers, where its schema asks for it: "x-mcp-header": "Region" → Mcp-Param-Region.
//
// Gateways choose a server by them. A schema that asks for what cannot be sent makes its tool unusable.
// Threads  values.
// Source   specification 2026-07-28, "Transports", "Custom headers from tool parameters", "Value encoding".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "llama-base/error.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

struct ParameterHeader {
  std::vector<std::string> path;  // of the argument: its name, or the names down to it
  std::string name;               // "Mcp-Param-Region"
};

// Errors   InvalidArgument: an annotation that is no header's name, comes twice, is not on a text, whole number or
//          boolean, or not on a property that can be reached from the top by names alone.
// Cost     one walk over the schema, at most 200 deep.
[[nodiscard]] Result<std::vector<ParameterHeader>> parameter_headers_of(std::string_view input_schema);

// Of one call; arguments that are not there or null have none.
[[nodiscard]] std::vector<HttpHeader> headers_for_arguments(const std::vector<ParameterHeader>& parameters,
                                                            const nlohmann::ordered_json& arguments);

// A text as a header's value: as it is, or "=?base64?…?=" where HTTP would change or refuse it.
[[nodiscard]] std::string header_value(std::string_view text);

}  // namespace llama::internal
