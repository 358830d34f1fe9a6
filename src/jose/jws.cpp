#include "easyjwt/jose/jws.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"

namespace easyjwt::jose {
namespace {

/// A compact JWS, taken apart. Views into it.
struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view input;  ///< what was signed
};

Refusal take_apart(std::string_view raw, Parts& parts, std::size_t max_size = max_token_size) {
  if (raw.size() > max_size) return Refusal::too_long;
  const auto first = raw.find('.');
  const auto second = raw.find('.', first == raw.npos ? raw.size() : first + 1);
  if (second == raw.npos || raw.find('.', second + 1) != raw.npos) {
    return Refusal::not_three_parts;
  }
  parts = {raw.substr(0, first), raw.substr(first + 1, second - first - 1), raw.substr(second + 1),
           raw.substr(0, second)};
  return Refusal::none;
}

/// Reads a protected header that is not one that we write ourselves. `takes` says of an algorithm
/// whether there can be a key of it. `typ`: what it must be; null: a token, which may have any but
/// what says that it is none.
template <class Takes>
Refusal read_header(std::string_view encoded, Takes takes, Algorithm& algorithm,
                    std::optional<std::string>* kid, const std::string_view* typ = nullptr) {
  const auto text = decode_base64url(encoded);
  if (!text) return Refusal::bad_header;
  const auto header = parse_json(*text);
  if (!header || !header->is_object()) return Refusal::bad_header;
  const auto& members = header->get_object();
  const auto* alg = members.if_contains("alg");
  if (alg == nullptr || !alg->is_string()) return Refusal::wrong_algorithm;
  const auto named = parse_algorithm(alg->get_string());
  if (!named || !takes(*named)) return Refusal::wrong_algorithm;
  algorithm = *named;
  const auto* type = members.if_contains("typ");
  const auto is = [&](std::string_view name) {
    return type != nullptr && type->is_string() && type->get_string() == name;
  };
  if (typ != nullptr ? !is(*typ) : is(events_typ)) return Refusal::wrong_type;
  if (members.contains("crit")) return Refusal::critical;
  if (const auto* name = members.if_contains("kid")) {
    if (!name->is_string()) return Refusal::bad_header;
    if (kid != nullptr) kid->emplace(name->get_string());
  }
  return Refusal::none;
}

/// `verify` judges the signature's bytes.
template <class Verify>
Refusal check_signature(const Parts& parts, std::string& payload, Verify verify) {
  std::array<char, EVP_MAX_MD_SIZE> small;  // any HMAC; others are slow enough for a string
  std::string large;
  char* signature = small.data();
  if (base64_size(parts.signature) > small.size()) {
    large.resize(base64_size(parts.signature));
    signature = large.data();
  }
  const auto size = decode_base64url(parts.signature, signature);
  if (!size || !verify(std::string_view(signature, *size))) return Refusal::bad_signature;
  payload.resize(base64_size(parts.payload));
  const auto payload_size = decode_base64url(parts.payload, payload.data());
  if (!payload_size) return Refusal::bad_payload;
  payload.resize(*payload_size);
  return Refusal::none;
}

Refusal check_candidates(const Parts& parts, Algorithm algorithm, const Candidates& keys,
                         std::string& payload) {
  if (keys.empty()) return Refusal::unknown_key;
  return check_signature(parts, payload, [&](std::string_view signature) {
    return std::any_of(keys.begin(), keys.end(), [&](const Key* key) {
      return key->algorithm() == algorithm && key->verify(parts.input, signature);
    });
  });
}

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::none: return "good";
    case Refusal::too_long: return "too long";
    case Refusal::not_three_parts: return "not three parts";
    case Refusal::bad_header: return "malformed header";
    case Refusal::wrong_algorithm: return "another algorithm than the key's";
    case Refusal::wrong_type: return "of another type";
    case Refusal::critical: return "a critical extension";
    case Refusal::unknown_key: return "none of our keys is the one that it names";
    case Refusal::bad_signature: return "the signature is wrong";
    case Refusal::bad_payload: return "malformed payload";
  }
  return "refused";
}

void sign_compact(std::string_view payload, const Key& key, std::string& out) {
  sign_compact(payload, key, key.header(), out);
}

void sign_compact(std::string_view payload, const Key& key, std::string_view header,
                  std::string& out) {
  const auto start = out.size();
  out += header;
  out += '.';
  append_base64url(out, payload);
  std::string signature;
  key.sign(std::string_view(out).substr(start), signature);
  out += '.';
  out += signature;
}

Refusal verify_compact(std::string_view raw, const Key& key, std::string& payload) {
  Parts parts;
  if (const auto refusal = take_apart(raw, parts); refusal != Refusal::none) return refusal;
  if (parts.header != key.header()) {
    Algorithm algorithm{};
    const auto takes = [&](Algorithm named) { return named == key.algorithm(); };
    const auto refusal = read_header(parts.header, takes, algorithm, nullptr);
    if (refusal != Refusal::none) return refusal;
  }
  return check_signature(parts, payload, [&](std::string_view signature) {
    return key.verify(parts.input, signature);
  });
}

std::string read_typ(std::string_view raw) {
  const auto text = decode_base64url(raw.substr(0, raw.find('.')));
  const auto header = text ? parse_json(*text) : Result<json::value>(json::value());
  const auto* typ =
      header && header->is_object() ? header->get_object().if_contains("typ") : nullptr;
  if (typ == nullptr || !typ->is_string()) return {};
  std::string out(typ->get_string());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view prefix = "application/";
  return out.starts_with(prefix) ? out.substr(prefix.size()) : out;
}

namespace {

Refusal verify_parts(const Parts& parts, const std::string_view* typ, Algorithm algorithm,
                     FindKeys find, std::string& payload) {
  std::optional<std::string> kid;
  const auto takes = [&](Algorithm named) { return named == algorithm; };
  if (const auto refusal = read_header(parts.header, takes, algorithm, &kid, typ);
      refusal != Refusal::none) {
    return refusal;
  }
  return check_candidates(parts, algorithm, find(kid), payload);
}

}  // namespace

Refusal verify_compact(std::string_view raw, Algorithm algorithm, FindKeys find,
                       std::string& payload) {
  Parts parts;
  if (const auto refusal = take_apart(raw, parts); refusal != Refusal::none) return refusal;
  return verify_parts(parts, nullptr, algorithm, find, payload);
}

Refusal verify_compact(std::string_view raw, const Kind& kind, Algorithm algorithm, FindKeys find,
                       std::string& payload) {
  Parts parts;
  const auto refusal = take_apart(raw, parts, kind.max_size);
  return refusal != Refusal::none ? refusal
                                  : verify_parts(parts, &kind.typ, algorithm, find, payload);
}

Refusal verify_compact(std::string_view raw, KnownHeader known, FindKeysOf find,
                       std::string& payload) {
  Parts parts;
  if (const auto refusal = take_apart(raw, parts); refusal != Refusal::none) return refusal;
  if (const auto* key = known(parts.header)) {
    return check_signature(parts, payload, [&](std::string_view signature) {
      return key->verify(parts.input, signature);
    });
  }
  Algorithm algorithm{};
  std::optional<std::string> kid;
  const auto takes = [](Algorithm) { return true; };
  if (const auto refusal = read_header(parts.header, takes, algorithm, &kid);
      refusal != Refusal::none) {
    return refusal;
  }
  return check_candidates(parts, algorithm, find(algorithm, kid), payload);
}

}  // namespace easyjwt::jose
