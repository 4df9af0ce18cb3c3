#include "llama-http/url.h"

#include <gtest/gtest.h>

#include <vector>

namespace llama::internal {
namespace {

TEST(Url, KnowsOrigins) {
  EXPECT_EQ(origin_of("https://Huggingface.co/x").value(), (Origin{"https", "huggingface.co", "443"}));
  EXPECT_EQ(origin_of("http://[::1]:8080").value(), (Origin{"http", "[::1]", "8080"}));
  for (const char* bad :
       {"", "huggingface.co", "ftp://x/y", "file:///etc/passwd", "https://", "https://user@host/", "http://a b/"}) {
    EXPECT_FALSE(origin_of(bad)) << bad;
  }
}

TEST(Url, LeavesSecretsOut) {
  struct Row {
    const char *url, *shown;
  };
  for (const Row& row : {Row{"https://u:p@host/path?Signature=s#f", "https://host/path"},
                         {"socks5://u:p@host:1080", "socks5://host:1080/"},
                         {"u:p@host:3128", "host:3128"},
                         {"token@host/path?Signature=s", "host/path"},
                         {"http://u:p/q@host:3128", "host:3128"},
                         {"http://u:p?q#r@s@host:3128", "host:3128"},
                         {"no address?x=1", "no address"}}) {
    EXPECT_EQ(without_secrets(row.url), row.shown) << row.url;
  }
}

TEST(Url, EncodesWhatIsNotPlain) {
  EXPECT_EQ(percent_encoded("a b/ü?#%\n", "/"), "a%20b/%C3%BC%3F%23%25%0A");
  EXPECT_EQ(percent_encoded("refs/pr/1"), "refs%2Fpr%2F1");
}

TEST(Url, FollowsRedirectsWhereItMay) {
  struct Row {
    const char *from, *location, *to;  // to nullptr: refused
  };
  for (const Row& row : {Row{"https://a/x/y", "/z?q=1", "https://a/z?q=1"},
                         {"https://a/x/y", "z", "https://a/x/z"},
                         {"https://a/x", "//b/z", "https://b/z"},
                         {"https://a/x", "https://b:444/z#part", "https://b:444/z"},
                         {"http://a/x", "https://a/x", "https://a/x"},
                         {"https://a/x", "http://a/x", nullptr},
                         {"http://a/x", "file:///etc/passwd", nullptr},
                         {"http://a/x", "ftp://a/x", nullptr},
                         {"http://a/x", "gopher://a", nullptr},
                         {"http://a/x", "", nullptr},
                         {"http://a/x", "http://user@b/", nullptr},
                         {"http://a/x", "/x", nullptr}}) {
    const std::vector<std::string> hops{row.from};
    const auto target = redirect_target(hops, row.location);
    ASSERT_EQ(target.has_value(), row.to != nullptr) << row.from << " -> " << row.location;
    EXPECT_EQ(target.value_or(""), row.to == nullptr ? "" : row.to);
  }
}

TEST(Url, StopsCirclesAndLongChains) {
  std::vector<std::string> hops{"http://a/0"};
  for (int i = 1; i <= 10; ++i) hops.push_back(redirect_target(hops, "/" + std::to_string(i)).value());
  EXPECT_FALSE(redirect_target(hops, "/11"));
  EXPECT_FALSE(redirect_target(std::span(hops).first(3), "http://a/1"));
}

TEST(Url, SendsTheTokenOnlyHome) {
  const std::string home = "https://huggingface.co";
  EXPECT_TRUE(may_send_token("https://huggingface.co/api", home));
  EXPECT_TRUE(may_send_token("https://huggingface.co:443/api", home));
  for (const char* other : {"https://cdn.huggingface.co/x", "http://huggingface.co/x", "https://huggingface.co:444/x",
                            "https://huggingface.co.evil.org/", "https://evil.org/huggingface.co"}) {
    EXPECT_FALSE(may_send_token(other, home)) << other;
  }
  EXPECT_TRUE(may_send_token("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"));
  EXPECT_FALSE(may_send_token("http://mirror.example/x", "http://mirror.example")) << "in clear text";
}

}  // namespace
}  // namespace llama::internal
