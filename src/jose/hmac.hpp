#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "easyjwt/jose/key.hpp"

namespace easyjwt::jose {

/// HMAC (RFC 2104) under one secret, whose two blocks are hashed once: what is kept are the states
/// of the hash after them, which are copied for each input. So threads share nothing that changes.
class Hmac {
 public:
  /// A MAC has at most so many bytes.
  using Mac = std::array<unsigned char, EVP_MAX_MD_SIZE>;

  Hmac(Algorithm algorithm, std::string_view secret);  ///< one of HS*
  ~Hmac();
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  /// The MAC of `input` is put into `out`; its size. Any thread.
  std::size_t compute(std::string_view input, Mac& out) const noexcept;

 private:
  struct States;
  std::unique_ptr<States> states_;
};

}  // namespace easyjwt::jose
