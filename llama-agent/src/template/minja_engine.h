// The door to minja, which parses and runs Jinja.
//
// At each place of an expression its parser asks a dozen regular expressions whether they match there, with
// std::regex_search, which goes on through all the rest of the template: a parse took time with the square of the
// template's length, minutes for 256 KiB. Inside of minja that name is a search which looks at one place. What it
// searches for further on is the end of a text between tags, and a prepared template has none (jinja.h).
#pragma once

#include <regex>
#include <string>

namespace minja::std {

using namespace ::std;
using ::std::regex_search;
inline bool regex_search(::std::string::const_iterator begin, ::std::string::const_iterator end, ::std::smatch& match,
                         const ::std::regex& pattern) {
  return ::std::regex_search(begin, end, match, pattern, ::std::regex_constants::match_continuous);
}

}  // namespace minja::std

#include <minja/minja.hpp>
