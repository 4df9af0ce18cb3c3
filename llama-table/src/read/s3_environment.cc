#include "read/s3_environment.h"

#include <cstdlib>
#include <format>

#include "read/secrets.h"
#include "read/sql_text.h"

namespace llama::internal {

Environment environment_of_process() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Result<std::optional<std::string>> s3_secret_statement(const Environment& environment) {
  const auto key = environment("AWS_ACCESS_KEY_ID"), secret = environment("AWS_SECRET_ACCESS_KEY");
  auto region = environment("AWS_REGION"), endpoint = environment("AWS_ENDPOINT_URL_S3");
  if (!region) region = environment("AWS_DEFAULT_REGION");
  if (!endpoint) endpoint = environment("AWS_ENDPOINT_URL");
  if (key.has_value() != secret.has_value())
    return fail(ErrorCode::InvalidArgument,
                std::format("{} is set and {} is not", key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                            key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
  std::string options;
  const auto add = [&](std::string_view name, std::string_view value) {
    options += std::format(", {} {}", name, sql_string(value));
  };
  if (key) {
    add("KEY_ID", *key);
    add("SECRET", *secret);
    if (const auto token = environment("AWS_SESSION_TOKEN")) add("SESSION_TOKEN", *token);
  }
  if (region) add("REGION", *region);
  if (endpoint) {
    std::string_view host = *endpoint;
    const bool is_plain = host.starts_with("http://");
    if (!is_plain && !host.starts_with("https://"))
      return fail(ErrorCode::InvalidArgument,
                  std::format("AWS_ENDPOINT_URL is '{}'; write it with http:// or https://", without_secrets(host)));
    host.remove_prefix(is_plain ? 7 : 8);
    while (host.ends_with('/')) host.remove_suffix(1);
    add("ENDPOINT", host);
    add("URL_STYLE", "path");
    if (is_plain) options += ", USE_SSL false";
  }
  if (options.empty()) return std::nullopt;
  return std::format("CREATE SECRET llama_environment (TYPE s3{})", options);
}

bool mentions_s3(std::string_view text) {
  return text.contains("s3://") || text.contains("s3a://") || text.contains("s3n://");
}

}  // namespace llama::internal
