#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#define CURL_DISABLE_TYPECHECK  // its macros go for functions, not for members of these names
#include <curl/curl.h>

namespace easyjwt::fetch {

// What we call of libcurl.
#define EASYJWT_LIBCURL(X)                                                                        \
  X(curl_easy_cleanup)                                                                            \
  X(curl_easy_getinfo)                                                                            \
  X(curl_easy_init)                                                                               \
  X(curl_easy_perform)                                                                            \
  X(curl_easy_reset) X(curl_easy_setopt) X(curl_easy_strerror) X(curl_free) X(curl_global_init)   \
      X(curl_slist_append) X(curl_slist_free_all) X(curl_url) X(curl_url_cleanup) X(curl_url_get) \
          X(curl_url_set)

/// libcurl, loaded with the first URL that there is to fetch: with all that it links in turn (LDAP,
/// Kerberos, GnuTLS, SSH) it would be a fifth of the memory of a service that fetches nothing.
struct Libcurl {
#define EASYJWT_LIBCURL_MEMBER(name) decltype(&::name) name = nullptr;
  EASYJWT_LIBCURL(EASYJWT_LIBCURL_MEMBER)
#undef EASYJWT_LIBCURL_MEMBER
};

/// Of no use before load_libcurl().
extern Libcurl curl;

/// Loads and initialises it; throws std::runtime_error where it, or something in it, is not there.
/// Any thread.
void load_libcurl();

template <auto Free>
struct CurlDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    (curl.*Free)(object);
  }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter<&Libcurl::curl_easy_cleanup>>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter<&Libcurl::curl_slist_free_all>>;

void append(CurlList& list, const std::string& line);

/// curl_easy_setopt(), which fails only out of memory, or for what this libcurl was built without:
/// TLS, say. Throws std::runtime_error.
template <class T>
void set(CURL* handle, CURLoption option, T value) {
  if (const auto code = curl.curl_easy_setopt(handle, option, value); code != CURLE_OK) {
    throw std::runtime_error(std::string("libcurl: ") + curl.curl_easy_strerror(code));
  }
}

}  // namespace easyjwt::fetch
