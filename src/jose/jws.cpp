#include "easyjwt/jose/jws.hpp"

#include <openssl/evp.h>

#include <array>
#include <boost/json/object.hpp>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"

namespace easyjwt::jose {
namespace {

/// Looks at a protected header that is not the one we write ourselves.
Refusal check_header(std::string_view encoded, const Key& key) {
  const auto text = decode_base64url(encoded);
  if (!text) return Refusal::bad_header;
  const auto header = parse_json(*text);
  if (!header || !header->is_object()) return Refusal::bad_header;
  const auto& members = header->get_object();
  const auto* alg = members.if_contains("alg");
  if (alg == nullptr || !alg->is_string() || alg->get_string() != to_string(key.algorithm())) {
    return Refusal::wrong_algorithm;
  }
  if (members.contains("crit")) return Refusal::critical;
  const auto* kid = members.if_contains("kid");
  if (kid != nullptr && !kid->is_string()) return Refusal::bad_header;
  return Refusal::none;
}

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::none: return "good";
    case Refusal::too_long: return "longer than 16 KiB";
    case Refusal::not_three_parts: return "not three parts";
    case Refusal::bad_header: return "malformed header";
    case Refusal::wrong_algorithm: return "another algorithm than the key's";
    case Refusal::critical: return "a critical extension";
    case Refusal::bad_signature: return "the signature is wrong";
    case Refusal::bad_payload: return "malformed payload";
  }
  return "refused";
}

void sign_compact(std::string_view payload, const Key& key, std::string& out) {
  const auto start = out.size();
  out += key.header();
  out += '.';
  append_base64url(out, payload);
  std::string signature;
  key.sign(std::string_view(out).substr(start), signature);
  out += '.';
  out += signature;
}

Refusal verify_compact(std::string_view raw, const Key& key, std::string& payload) {
  if (raw.size() > max_token_size) return Refusal::too_long;
  const auto first = raw.find('.');
  const auto second = raw.find('.', first == raw.npos ? raw.size() : first + 1);
  if (second == raw.npos || raw.find('.', second + 1) != raw.npos) {
    return Refusal::not_three_parts;
  }
  const auto header = raw.substr(0, first);
  if (header != key.header()) {
    if (const auto refusal = check_header(header, key); refusal != Refusal::none) return refusal;
  }
  const auto encoded_signature = raw.substr(second + 1);
  std::array<char, EVP_MAX_MD_SIZE> small;  // any HMAC; others are slow enough for a string
  std::string large;
  char* signature = small.data();
  if (base64_size(encoded_signature) > small.size()) {
    large.resize(base64_size(encoded_signature));
    signature = large.data();
  }
  const auto size = decode_base64url(encoded_signature, signature);
  if (!size || !key.verify(raw.substr(0, second), {signature, *size})) {
    return Refusal::bad_signature;
  }
  const auto encoded_payload = raw.substr(first + 1, second - first - 1);
  payload.resize(base64_size(encoded_payload));
  const auto payload_size = decode_base64url(encoded_payload, payload.data());
  if (!payload_size) return Refusal::bad_payload;
  payload.resize(*payload_size);
  return Refusal::none;
}

}  // namespace easyjwt::jose
