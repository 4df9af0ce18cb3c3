// Start the program of a bundle with the bundle's own C library.
//
// A program that is linked with one distribution's glibc does not start on an older one, nor where there is none. So
// the bundle carries its loader and libraries, and this file, which is linked statically and needs nothing, starts that
// loader: `lib/ld-linux-… --inhibit-cache --library-path lib --argv0 NAME lib/llama-cli ARGUMENTS`. What is told by
// arguments reaches no child process, as LD_LIBRARY_PATH would.
//
// Exit     126: the loader cannot be started, 127: this file cannot be found; else the program's.
// Source   ld.so(8); /usr/bin/env for 126 and 127.
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

// OpenSSL's name for the file of certificates that are trusted. Debian's place, which the libraries look into by
// themselves, comes first; then those of other distributions, and the bundle's own file last.
//
// Source   the certificate paths that Go's crypto/x509 tries on Linux (root_linux.go).
void choose_certificates(const std::string& folder) {
  constexpr std::array kPlaces = {"/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "/etc/ssl/ca-bundle.pem",
                                  "/etc/ssl/cert.pem",
                                  "/etc/pki/tls/cacert.pem"};
  if (const char* set = std::getenv("SSL_CERT_FILE"); set != nullptr && *set != '\0') return;
  for (const char* place : kPlaces) {
    if (access(place, R_OK) != 0) continue;
    if (place != kPlaces.front()) setenv("SSL_CERT_FILE", place, 1);
    return;
  }
  setenv("SSL_CERT_FILE", (folder + "/share/ca-certificates.crt").c_str(), 1);
}

// The folder that holds this file, wherever a link to it lies.
std::string own_folder() {
  std::string path(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length > 0 && static_cast<std::size_t>(length) < path.size()) {
    path.resize(static_cast<std::size_t>(length));
  } else {  // no /proc: the kernel also hands over the path that was started
    const auto* started = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    char* real = started != nullptr ? realpath(started, nullptr) : nullptr;
    if (real == nullptr) return {};
    path = real;
    std::free(real);
  }
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));  // "/" too
}

}  // namespace

int main(int count, char** arguments) {
  const char* name = count > 0 ? arguments[0] : "llama-cli";
  const std::string folder = own_folder();
  if (folder.empty()) {
    std::fprintf(stderr, "llama-cli: cannot find the folder that %s lies in (no /proc?)\n", name);
    return 127;
  }
  if (folder.find_first_of(":;") != std::string::npos) {
    std::fprintf(stderr, "llama-cli: %s: the loader takes no folder with ':' or ';' in its name: rename it\n",
                 folder.c_str());
    return 126;
  }
  choose_certificates(folder);
  const std::string libraries = folder + "/lib", loader = libraries + "/" BUNDLE_LOADER,
                    program = libraries + "/llama-cli";
  std::vector<const char*> command = {loader.c_str(), "--inhibit-cache", "--library-path", libraries.c_str(), "--argv0",
                                      name,           program.c_str()};
  for (int i = 1; i < count; ++i) command.push_back(arguments[i]);
  command.push_back(nullptr);
  execv(loader.c_str(), const_cast<char* const*>(command.data()));
  const int why = errno;
  std::fprintf(stderr, "llama-cli: cannot start %s: %s%s\n", loader.c_str(), std::strerror(why),
               why == ENOEXEC  ? " (it is made for another kind of processor: take the bundle for this one)"
               : why == EACCES ? " (is the folder on a file system that forbids programs, \"noexec\"?)"
               : why == ENOENT ? " (the bundle's folders belong together: move it as a whole)"
                               : "");
  return 126;
}
