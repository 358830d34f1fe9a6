#include "easyjwt/core/sealer.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "easyjwt/core/random.hpp"

namespace easyjwt {
namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Cipher new_cipher() { return {EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free}; }

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// One block of HKDF is as long as the key.
Secret derive(const Secret& secret, std::string_view purpose) {
  const Secret extracted(hmac_sha256("easyjwt", secret.view()));
  return Secret(hmac_sha256(extracted.view(), std::string(purpose) + '\x01'));
}

}  // namespace

Sealer::Sealer(const Secret& secret, std::span<const Secret> fallbacks, std::string_view purpose) {
  keys_.push_back(derive(secret, purpose));
  for (const auto& each : fallbacks) keys_.push_back(derive(each, purpose));
}

std::string Sealer::seal(std::string_view plain, std::string_view place) const {
  std::string out(nonce_size + plain.size() + tag_size, '\0');
  random_bytes(out.data(), nonce_size);
  unsigned char* const text = bytes(out) + nonce_size;
  int size = 0;
  const auto cipher = new_cipher();
  const bool done = cipher &&
                    EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                       bytes(keys_.front().view()), bytes(out)) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(place),
                                      static_cast<int>(place.size())) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), text, &size, bytes(plain),
                                      static_cast<int>(plain.size())) == 1 &&
                    EVP_EncryptFinal_ex(cipher.get(), text + plain.size(), &size) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG,
                                        static_cast<int>(tag_size), text + plain.size()) == 1;
  if (!done) throw std::runtime_error("OpenSSL cannot encrypt with AES-256-GCM");
  return base64url(out);
}

std::optional<Secret> Sealer::open(std::string_view sealed, std::string_view place) const {
  auto raw = decode_base64url(sealed);
  if (!raw || raw->size() < nonce_size + tag_size) return std::nullopt;
  const auto plain_size = raw->size() - nonce_size - tag_size;
  unsigned char* const text = bytes(*raw) + nonce_size;
  for (const auto& key : keys_) {
    std::string plain(plain_size, '\0');
    int size = 0;
    const auto cipher = new_cipher();
    const bool stands = cipher &&
                        EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                           bytes(key.view()), bytes(*raw)) == 1 &&
                        EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(place),
                                          static_cast<int>(place.size())) == 1 &&
                        EVP_DecryptUpdate(cipher.get(), bytes(plain), &size, text,
                                          static_cast<int>(plain_size)) == 1 &&
                        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG,
                                            static_cast<int>(tag_size), text + plain_size) == 1 &&
                        EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + plain_size, &size) == 1;
    Secret opened(std::move(plain));  // wiped if it is none
    if (stands) return opened;
  }
  return std::nullopt;
}

}  // namespace easyjwt
