#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>

namespace easyjwt::jose {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
/// What OpenSSL allocates and `Free` frees.
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using Bio = Owned<BIO, BIO_free>;
using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;

}  // namespace easyjwt::jose
