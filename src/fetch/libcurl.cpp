#include "fetch/libcurl.hpp"

#include <dlfcn.h>

#include <new>
#include <stdexcept>
#include <string>

namespace easyjwt::fetch {
namespace {

[[noreturn]] void fail_to_load() {
  const char* words = dlerror();
  throw std::runtime_error(std::string("fetching needs libcurl (Debian's libcurl4): ") +
                           (words != nullptr ? words : "it cannot be loaded"));
}

}  // namespace

Libcurl curl;

void load_libcurl() {
  static const bool loaded = [] {
    // Never closed: it has threads and handlers of its own.
    void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail_to_load();
#define EASYJWT_LIBCURL_LOAD(name)                                          \
  curl.name = reinterpret_cast<decltype(curl.name)>(dlsym(library, #name)); \
  if (curl.name == nullptr) fail_to_load();
    EASYJWT_LIBCURL(EASYJWT_LIBCURL_LOAD)
#undef EASYJWT_LIBCURL_LOAD
    if (curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw std::runtime_error("libcurl cannot be initialised");
    }
    return true;
  }();
  static_cast<void>(loaded);
}

void append(CurlList& list, const std::string& line) {
  curl_slist* longer = curl.curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list.release();
  list.reset(longer);
}

}  // namespace easyjwt::fetch
